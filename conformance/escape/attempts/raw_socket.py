"""Makes packets by itself."""

import socket

from attempt import *


def attempt():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)


run(attempt)
