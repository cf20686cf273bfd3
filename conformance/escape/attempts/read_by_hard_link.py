"""Gives it a second name in a folder of its own and reads that."""

from attempt import *


def attempt():
    os.link(SECRET, DATA + "/second")
    demand(open(DATA + "/second").read() == "KEY", "another file")


run(attempt)
