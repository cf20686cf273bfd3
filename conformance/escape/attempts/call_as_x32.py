"""Makes a refused call by its second number."""

from attempt import *


def attempt():
    syscall(0x40000000 | 101, 0x4206, VICTIM, 0, 0)


run(attempt)
