"""Reads it through a descriptor that another process holds."""

from attempt import *


def attempt():
    for name in os.listdir(f"/proc/{VICTIM}/fd"):
        path = f"/proc/{VICTIM}/fd/{name}"
        if os.readlink(path).startswith(SECRET):
            return demand(open(path).read() == "KEY", "another file")
    raise Refused("no such descriptor")


run(attempt)
