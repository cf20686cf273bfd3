"""Makes somebody else's file look old."""

from attempt import *


def attempt():
    os.utime(SECRET, (0, 0))


run(attempt)
