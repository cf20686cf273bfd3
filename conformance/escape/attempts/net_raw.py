"""Sends packets past every port."""

import socket

from attempt import *


def attempt():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).sendto(b"\x08" + bytes(7), ("127.0.0.1", 0))


run(attempt)
