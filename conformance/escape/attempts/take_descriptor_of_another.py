"""Takes a descriptor out of another process."""

from attempt import *


def attempt():
    fd = os.pidfd_open(VICTIM)
    syscall(438, fd, 0, 0)


run(attempt)
