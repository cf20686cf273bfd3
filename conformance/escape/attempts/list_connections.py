"""Learns who is connected to whom."""

from attempt import *


def attempt():
    demand(len(open("/proc/net/tcp").readlines()) > 1, "nobody is connected")


run(attempt)
