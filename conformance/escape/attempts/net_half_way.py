"""Listens on a stream that was opened outside and given up half way."""

import socket

from attempt import *


def attempt():
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", GRANTED))
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    again = socket.socket()
    again.setblocking(False)
    again.connect_ex(("192.0.2.1", 9))
    try:
        again.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    again.listen()
    with open("/proc/net/dev") as interfaces:
        demand(any(not line.strip().startswith("lo:") for line in interfaces.readlines()[2:]), "its own loopback alone")


run(attempt)
