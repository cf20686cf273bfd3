"""Opens for writing what the kernel runs when a program crashes."""

from attempt import *


def attempt():
    open("/proc/sys/kernel/core_pattern", "r+")


run(attempt)
