"""Makes a node for the machine's log and opens it."""

from attempt import *


def attempt():
    os.mknod(DATA + "/log", 0o20600, os.makedev(1, 11))
    os.open(DATA + "/log", os.O_RDONLY | os.O_NONBLOCK)


run(attempt)
