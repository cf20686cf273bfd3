"""Reads the arguments of another process."""

from attempt import *


def attempt():
    demand(b"victim-word" in open(f"/proc/{VICTIM}/cmdline", "rb").read(), "another process")


run(attempt)
