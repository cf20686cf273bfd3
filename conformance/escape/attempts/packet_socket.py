"""Watches everybody's packets."""

import socket

from attempt import *


def attempt():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300)


run(attempt)
