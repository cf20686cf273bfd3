"""Removes somebody else's file."""

from attempt import *


def attempt():
    os.remove(SECRET)


run(attempt)
