"""Asks for everybody that it may signal."""

from attempt import *


def attempt():
    os.kill(-1, 0)


run(attempt)
