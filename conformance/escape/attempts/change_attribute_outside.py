"""Notes something on somebody else's file."""

from attempt import *


def attempt():
    os.setxattr(SECRET, "user.escape", b"x")


run(attempt)
