"""Loads another kernel."""

from attempt import *


def attempt():
    needs_right(246, 0, 1 << 20, 0, 0)


run(attempt)
