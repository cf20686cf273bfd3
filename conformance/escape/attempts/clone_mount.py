"""Takes a copy of a mount."""

from attempt import *


def attempt():
    os.close(syscall(428, -100, b"/", 1))


run(attempt)
