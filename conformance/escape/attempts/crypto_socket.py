"""Reaches the kernel's cryptography, with its old drivers."""

import socket

from attempt import *


def attempt():
    socket.socket(38, socket.SOCK_SEQPACKET)


run(attempt)
