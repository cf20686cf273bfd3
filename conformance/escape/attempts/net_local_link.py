"""Reaches somebody's local socket by a link in its own folder."""

import os
import socket

from attempt import *


def attempt():
    link = os.path.join(DATA, "link")
    os.symlink(DOOR, link)
    socket.socket(socket.AF_UNIX).connect(link)


run(attempt)
