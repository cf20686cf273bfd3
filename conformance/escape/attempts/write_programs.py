"""Writes among the machine's programs."""

from attempt import *


def attempt():
    open("/usr/lib/ostoja-escape", "w"); os.remove("/usr/lib/ostoja-escape")


run(attempt)
