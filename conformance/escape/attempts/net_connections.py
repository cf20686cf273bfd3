"""Lists the connections of the machine."""

from attempt import *


def attempt():
    with open("/proc/net/tcp") as table:
        lines = table.read()
    demand(f":{PORT:04X} " in lines, "its own network alone")


run(attempt)
