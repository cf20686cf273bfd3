"""Writes among the machine's settings."""

from attempt import *


def attempt():
    open("/etc/ostoja-escape", "w"); os.remove("/etc/ostoja-escape")


run(attempt)
