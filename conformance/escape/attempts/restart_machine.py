"""Asks to restart the machine, with a wrong word."""

from attempt import *


def attempt():
    needs_right(169, 0, 0, 0, 0)


run(attempt)
