"""Leaves a process in a session of its own that outlives it."""

from attempt import *
from away import away


def attempt():
    away(1)


run(attempt)
