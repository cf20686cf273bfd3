"""Connects to a port beside the one that it may reach."""

import socket

from attempt import *


def attempt():
    socket.create_connection(("127.0.0.1", GRANTED), 5).close()
    socket.create_connection(("127.0.0.1", PORT), 5)


run(attempt)
