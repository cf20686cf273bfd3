"""Ties another process to one processor."""

from attempt import *


def attempt():
    os.sched_setaffinity(VICTIM, os.sched_getaffinity(VICTIM))


run(attempt)
