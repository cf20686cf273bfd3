"""Writes over somebody else's file."""

from attempt import *


def attempt():
    open(SECRET, "w").write("changed")


run(attempt)
