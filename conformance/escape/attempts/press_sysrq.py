"""Opens what restarts the machine."""

from attempt import *


def attempt():
    open("/proc/sysrq-trigger", "w")


run(attempt)
