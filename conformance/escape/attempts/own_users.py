"""Makes a user namespace to have rights over more of the kernel."""

from attempt import *


def attempt():
    check(LIBC.unshare(0x10000000))


run(attempt)
