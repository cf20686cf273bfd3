"""Reads it through the root of the first process that it sees."""

from attempt import *


def attempt():
    demand(open("/proc/1/root" + SECRET).read() == "KEY", "another file")


run(attempt)
