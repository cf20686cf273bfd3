"""Reads somebody else's file by its name."""

from attempt import *


def attempt():
    demand(open(SECRET).read() == "KEY", "another file")


run(attempt)
