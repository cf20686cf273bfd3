"""Mounts something."""

from attempt import *


def attempt():
    os.makedirs(DATA + "/m", exist_ok=True)
    check(LIBC.mount(b"x", (DATA + "/m").encode(), b"tmpfs", 0, b""))
    LIBC.umount2((DATA + "/m").encode(), 2)


run(attempt)
