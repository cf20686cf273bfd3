"""Connects to a port of another module."""

import socket

from attempt import *


def attempt():
    socket.create_connection(("127.0.0.1", PORT), 2)


run(attempt)
