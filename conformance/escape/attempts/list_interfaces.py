"""Learns which networks the machine has."""

import socket

from attempt import *


def attempt():
    demand([name for _, name in socket.if_nameindex() if name != "lo"], "only the loopback")


run(attempt)
