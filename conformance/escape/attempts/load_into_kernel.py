"""Loads a program into the kernel."""

from attempt import *


def attempt():
    needs_right(321, 5, 0, 0)


run(attempt)
