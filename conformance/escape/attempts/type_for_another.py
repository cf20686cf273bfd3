"""Types into a terminal."""

import fcntl
import pty

from attempt import *


def attempt():
    master, slave = pty.openpty()
    check(LIBC.setsid()) if os.getsid(0) != os.getpid() else None
    fcntl.ioctl(slave, 0x540E, 0)
    fcntl.ioctl(slave, 0x5412, b"x")


run(attempt)
