"""Watches what others do in somebody else's folder."""

from attempt import *


def attempt():
    fd = check(LIBC.inotify_init1(0))
    check(LIBC.inotify_add_watch(fd, OUTSIDE.encode(), 0xfff))


run(attempt)
