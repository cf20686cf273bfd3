"""Connects by sending, for which there is no call of its own."""

import socket

from attempt import *

FASTOPEN = 0x20000000


def attempt():
    client = socket.socket()
    client.settimeout(5)
    client.sendto(b"x", FASTOPEN, ("127.0.0.1", PORT))
    client.getpeername()


run(attempt)
