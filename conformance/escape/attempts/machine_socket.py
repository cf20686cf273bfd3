"""Talks to the machine that this machine runs on."""

import socket

from attempt import *


def attempt():
    socket.socket(40, socket.SOCK_STREAM)


run(attempt)
