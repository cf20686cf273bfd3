"""Reads it through the root of another process."""

from attempt import *


def attempt():
    demand(open(f"/proc/{VICTIM}/root{SECRET}").read() == "KEY", "another file")


run(attempt)
