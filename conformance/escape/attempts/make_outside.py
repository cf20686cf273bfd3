"""Makes a file in somebody else's folder."""

from attempt import *


def attempt():
    open(OUTSIDE + "/new", "w")


run(attempt)
