"""Takes a mount away to see what lies below."""

from attempt import *


def attempt():
    needs_right(166, b"/proc/ostoja-none", 0)


run(attempt)
