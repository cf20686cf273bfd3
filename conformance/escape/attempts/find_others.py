"""Finds other processes in the list of all."""

from attempt import *


def attempt():
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if b"victim-word" in open(f"/proc/{name}/cmdline", "rb").read(): return
            except OSError: pass
    raise Refused("nobody is there")


run(attempt)
