"""The same by the newest call that starts a process."""

from attempt import *


def attempt():
    args = (ctypes.c_uint64 * 8)(0x10000000, 0, 0, 0, 17, 0, 0, 0)
    pid = syscall(435, ctypes.byref(args), 64)
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)


run(attempt)
