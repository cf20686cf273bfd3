"""Opens it by its number on the disk, past all folders."""

from attempt import *


def attempt():
    folder = os.open(DATA, os.O_RDONLY)
    handle = ctypes.create_string_buffer(136); ctypes.memmove(handle, (128).to_bytes(4, "little"), 4)
    mount = ctypes.c_int()
    syscall(303, -100, SECRET.encode(), handle, ctypes.byref(mount), 0)
    fd = syscall(304, folder, handle, os.O_RDONLY)
    demand(os.read(fd, 9) == b"KEY", "another file")


run(attempt)
