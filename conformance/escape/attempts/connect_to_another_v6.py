"""Connects to a port of another module over IPv6."""

import socket

from attempt import *


def attempt():
    socket.create_connection(("::1", PORT), 2)


run(attempt)
