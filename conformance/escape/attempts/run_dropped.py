"""Runs a program that it has written itself."""

import shutil
import subprocess

from attempt import *


def attempt():
    shutil.copy("/bin/true", DATA + "/dropped"); os.chmod(DATA + "/dropped", 0o4755)
    demand(subprocess.run([DATA + "/dropped"]).returncode == 0, "it did not run")


run(attempt)
