"""Opens a value of the kernel's memory management."""

from attempt import *


def attempt():
    open("/sys/kernel/mm/transparent_hugepage/enabled", "r+")


run(attempt)
