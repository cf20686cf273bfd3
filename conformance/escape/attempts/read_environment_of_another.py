"""Reads the environment of another process."""

from attempt import *


def attempt():
    demand(b"VICTIM_SECRET" in open(f"/proc/{VICTIM}/environ", "rb").read(), "another environment")


run(attempt)
