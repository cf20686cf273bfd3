"""Has a descriptor handed over by an abstract socket."""

import socket

from attempt import *
from passing import handed


def attempt():
    demand(handed(socket.AF_UNIX, "\0" + ABSTRACT) == b"KEY", "another file")


run(attempt)
