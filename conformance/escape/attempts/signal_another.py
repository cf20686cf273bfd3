"""Sends another process a signal."""

from attempt import *


def attempt():
    os.kill(VICTIM, 18)


run(attempt)
