"""Opens somebody else's file for everybody."""

from attempt import *


def attempt():
    os.chmod(SECRET, 0o666)


run(attempt)
