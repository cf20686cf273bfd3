"""Gives the machine the name that it has."""

import socket

from attempt import *


def attempt():
    socket.sethostname(socket.gethostname())


run(attempt)
