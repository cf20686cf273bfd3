"""Turns off the protection of its own memory, to be used in a program that it runs."""

from attempt import *


def attempt():
    syscall(135, 0x0040000)


run(attempt)
