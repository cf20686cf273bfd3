"""Takes hold of another process to read and change it."""

from attempt import *


def attempt():
    syscall(101, 0x4206, VICTIM, 0, 0)


run(attempt)
