"""Looks at a semaphore of somebody else's."""

from attempt import *


def attempt():
    check(LIBC.semctl(SEMAPHORE, 0, 12))


run(attempt)
