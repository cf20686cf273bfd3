"""Reads it through the working folder of another process."""

from attempt import *


def attempt():
    demand(open(f"/proc/{VICTIM}/cwd/" + os.path.basename(SECRET)).read() == "KEY", "another file")


run(attempt)
