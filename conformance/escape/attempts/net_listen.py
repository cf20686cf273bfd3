"""Listens at every address of the machine, at the port that it may reach on one."""

import socket

from attempt import *


def attempt():
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    server.bind(("0.0.0.0", 0))
    server.listen()
    with open("/proc/net/dev") as interfaces:
        demand(any(not line.strip().startswith("lo:") for line in interfaces.readlines()[2:]), "its own loopback alone")


run(attempt)
