"""Sends a datagram, as a question to a name server would be."""

import socket

from attempt import *


def attempt():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", DATAGRAMS))


run(attempt)
