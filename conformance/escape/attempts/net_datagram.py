"""Sends a datagram to somebody else, whose socket must stay silent."""

import select
import socket

from attempt import *


def attempt():
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(("127.0.0.1", DATAGRAMS))
    client.send(b"x")
    # Nobody there is told by an error; somebody there says nothing.
    client.settimeout(0.2)
    try:
        client.recv(1)
    except TimeoutError:
        pass


run(attempt)
