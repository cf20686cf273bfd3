"""Sends the group of another process a signal."""

from attempt import *


def attempt():
    os.killpg(os.getpgid(VICTIM), 18)


run(attempt)
