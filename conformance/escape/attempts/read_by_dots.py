"""Reads it by going up from a folder of its own."""

from attempt import *


def attempt():
    demand(open(DATA + "/../../../../../../../.." + SECRET).read() == "KEY", "another file")


run(attempt)
