"""Opens a disk."""

from attempt import *


def attempt():
    for name in ("vda", "sda", "nvme0n1", "loop0", "zram0"):
        try:
            open("/dev/" + name, "rb"); return
        except FileNotFoundError: pass
    raise Refused("no disk is there")


run(attempt)
