"""Connects to a port that it may not reach by the address that means all addresses."""

import socket

from attempt import *


def attempt():
    socket.create_connection(("0.0.0.0", PORT), 5)


run(attempt)
