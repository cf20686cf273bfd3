"""Reads it through a link in a folder of its own."""

from attempt import *


def attempt():
    os.symlink(SECRET, DATA + "/link")
    demand(open(DATA + "/link").read() == "KEY", "another file")


run(attempt)
