"""Cuts somebody else's file short."""

from attempt import *


def attempt():
    os.truncate(SECRET, 0)


run(attempt)
