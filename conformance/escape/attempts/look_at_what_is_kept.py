"""Learns the size and dates of somebody else's file."""

from attempt import *


def attempt():
    os.stat(SECRET)


run(attempt)
