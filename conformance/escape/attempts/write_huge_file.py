"""Writes a file of 1 GiB."""

from attempt import *


def attempt():
    with open(DATA + "/huge", "wb") as file: os.ftruncate(file.fileno(), 1 << 30)


run(attempt)
