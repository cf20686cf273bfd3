"""Takes processor time from another process."""

from attempt import *


def attempt():
    os.setpriority(os.PRIO_PROCESS, VICTIM, 19)


run(attempt)
