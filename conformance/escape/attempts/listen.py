"""Opens a port to the network."""

import socket

from attempt import *


def attempt():
    s = socket.socket(); s.bind(("0.0.0.0", 0)); s.listen()


run(attempt)
