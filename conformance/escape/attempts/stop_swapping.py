"""Turns off swapping to a file without a name."""

from attempt import *


def attempt():
    needs_right(168, 0)


run(attempt)
