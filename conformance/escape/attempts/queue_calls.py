"""Makes a queue for calls that no filter sees."""

from attempt import *


def attempt():
    place = ctypes.create_string_buffer(120)
    os.close(syscall(425, 4, place))


run(attempt)
