"""Lists somebody else's folder."""

from attempt import *


def attempt():
    os.listdir(OUTSIDE)


run(attempt)
