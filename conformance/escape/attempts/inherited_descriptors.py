"""Uses a descriptor that it was never given."""

from attempt import *


def attempt():
    for name in sorted(os.listdir("/proc/self/fd"), key=int):
        if int(name) > 2 and os.path.exists(f"/proc/self/fd/{name}") and not os.readlink(f"/proc/self/fd/{name}").startswith(("/proc", OWN)):
            return
    raise Refused("there is none")


run(attempt)
