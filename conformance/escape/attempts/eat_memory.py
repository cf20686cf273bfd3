"""Takes 1 GiB of memory."""

from attempt import *


def attempt():
    block = bytearray(1 << 30)
    block[::4096] = b"x" * (1 << 18)


run(attempt)
