"""Asks a socket that was opened outside for the machine's interfaces."""

import fcntl
import socket
import struct

from attempt import *

SIOCGIFCONF = 0x8912


def attempt():
    client = socket.create_connection(("127.0.0.1", GRANTED), 5)
    names = ctypes.create_string_buffer(4096)
    asked = bytearray(struct.pack("iP", 4096, ctypes.addressof(names)))
    fcntl.ioctl(client.fileno(), SIOCGIFCONF, asked)
    demand(struct.unpack("iP", asked)[0] > 0, "none")


run(attempt)
