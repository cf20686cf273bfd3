"""Joins the namespace of another process."""

from attempt import *


def attempt():
    fd = os.open(f"/proc/{VICTIM}/ns/net", os.O_RDONLY)
    check(LIBC.setns(fd, 0))


run(attempt)
