"""Makes a device node of its own and opens it."""

from attempt import *


def attempt():
    os.mknod(DATA + "/disk", 0o60600, os.makedev(7, 0))
    open(DATA + "/disk", "rb")


run(attempt)
