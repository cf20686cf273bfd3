"""Measures the kernel."""

from attempt import *


def attempt():
    attr = ctypes.create_string_buffer((1).to_bytes(4, "little") + (112).to_bytes(4, "little") + bytes(104))
    os.close(syscall(298, attr, 0, -1, -1, 0))


run(attempt)
