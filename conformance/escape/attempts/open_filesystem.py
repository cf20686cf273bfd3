"""Opens a kind of file system by itself."""

from attempt import *


def attempt():
    os.close(syscall(430, b"proc", 0))


run(attempt)
