"""Takes a descriptor that a socket hands out and reads what lies behind it."""

import array
import os
import socket


def handed(family, address):
    """The first bytes of what was handed over."""
    client = socket.socket(family, socket.SOCK_STREAM)
    client.settimeout(5)
    client.connect(address)
    fds = array.array("i")
    _, ancillary, _, _ = client.recvmsg(1, socket.CMSG_LEN(fds.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: fds.itemsize])
    return os.pread(fds[0], 9, 0)
