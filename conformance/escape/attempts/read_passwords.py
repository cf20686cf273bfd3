"""Reads the machine's passwords."""

from attempt import *


def attempt():
    demand("root:" in open("/etc/shadow").read(), "nothing is in it")


run(attempt)
