"""Stops the kernel in the middle of a copy."""

from attempt import *


def attempt():
    os.close(syscall(323, 1))


run(attempt)
