"""Allows itself to leave its memory on the disk."""

import resource

from attempt import *


def attempt():
    try: resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))
    except ValueError as reason: raise Refused(reason)


run(attempt)
