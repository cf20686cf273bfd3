"""Has a descriptor handed over by a socket that is a file."""

import socket

from attempt import *
from passing import handed


def attempt():
    demand(handed(socket.AF_UNIX, DOOR) == b"KEY", "another file")


run(attempt)
