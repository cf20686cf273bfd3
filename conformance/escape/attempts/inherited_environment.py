"""Finds a secret of its launcher's in its own environment."""

from attempt import *


def attempt():
    demand("ESCAPE_LAUNCHER_SECRET" in os.environ, "it is not there")


run(attempt)
