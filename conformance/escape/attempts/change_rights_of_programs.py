"""Touches the rights of a program of the machine's."""

from attempt import *


def attempt():
    os.chmod("/usr/bin/env", os.stat("/usr/bin/env").st_mode & 0o7777)


run(attempt)
