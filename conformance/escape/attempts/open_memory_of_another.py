"""Opens the memory of another process as a file."""

from attempt import *


def attempt():
    open(f"/proc/{VICTIM}/mem", "r+b")


run(attempt)
