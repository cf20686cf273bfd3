"""Connects a socket that it was given once more, to somebody else."""

import socket

from attempt import *

AF_UNSPEC = 0


def attempt():
    client = socket.create_connection(("127.0.0.1", GRANTED), 5)
    nothing = ctypes.create_string_buffer(16)
    LIBC.connect(client.fileno(), nothing, 16)
    client.connect(("127.0.0.1", PORT))


run(attempt)
