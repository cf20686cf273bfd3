"""Changes its root to a folder of its own."""

from attempt import *


def attempt():
    os.chroot(DATA)


run(attempt)
