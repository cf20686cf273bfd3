"""Types into a terminal by a number that only looks different."""

import fcntl
import pty

from attempt import *


def attempt():
    master, slave = pty.openpty()
    fcntl.ioctl(slave, 0x540E, 0)
    syscall(16, slave, 0x1_0000_5412, ctypes.create_string_buffer(b"x"))


run(attempt)
