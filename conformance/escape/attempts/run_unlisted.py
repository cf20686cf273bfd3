"""Runs a program of the system that it was not granted."""

import subprocess

from attempt import *


def attempt():
    demand(subprocess.run(["/usr/bin/id"], stdout=subprocess.DEVNULL).returncode == 0, "it did not run")


run(attempt)
