"""Asks for the memory of another process."""

from attempt import *


def attempt():
    place = ctypes.create_string_buffer(8)
    needs_right(310, VICTIM, 0, 0, 0, 0, 0)
    open(f"/proc/{VICTIM}/mem", "rb")


run(attempt)
