"""Loads a part of the kernel."""

from attempt import *


def attempt():
    needs_right(175, 0, 0, b"")


run(attempt)
