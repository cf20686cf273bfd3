"""Connects to a port that it may not reach by a v4 address in the clothes of v6."""

import socket

from attempt import *


def attempt():
    client = socket.socket(socket.AF_INET6)
    client.settimeout(5)
    client.connect(("::ffff:127.0.0.1", PORT))


run(attempt)
