"""The same by the oldest call that starts a process."""

from attempt import *


def attempt():
    pid = syscall(56, 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)


run(attempt)
