"""Runs a program of the system that it was not granted, by a link in a folder of its own and by a script."""

import os
import subprocess

from attempt import *


def attempt():
    link = os.path.join(DATA, "link")
    os.symlink("/usr/bin/id", link)
    demand(subprocess.run([link], stdout=subprocess.DEVNULL).returncode == 0, "it did not run")


run(attempt)
