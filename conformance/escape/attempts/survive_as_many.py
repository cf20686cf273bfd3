"""Leaves 48 processes that fork away and ignore signals."""

from attempt import *
from away import away


def attempt():
    away(48)


run(attempt)
