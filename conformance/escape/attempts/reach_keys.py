"""Reaches the keys of the user's session."""

from attempt import *


def attempt():
    syscall(250, 0, -4, 1)


run(attempt)
