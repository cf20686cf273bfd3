"""Sends another process a signal by a handle."""

from attempt import *


def attempt():
    fd = os.pidfd_open(VICTIM)
    syscall(424, fd, 18, 0, 0)


run(attempt)
