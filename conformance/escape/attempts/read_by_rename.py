"""Moves it into a folder of its own."""

from attempt import *


def attempt():
    os.rename(SECRET, DATA + "/moved")
    demand(open(DATA + "/moved").read() == "KEY", "another file")


run(attempt)
