"""Sets the limits of another process."""

import resource

from attempt import *


def attempt():
    resource.prlimit(VICTIM, resource.RLIMIT_CORE, resource.prlimit(VICTIM, resource.RLIMIT_CORE))


run(attempt)
