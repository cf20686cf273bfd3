"""Has the loader run a program that it has written itself."""

import shutil
import subprocess

from attempt import *


def attempt():
    shutil.copy("/bin/true", DATA + "/dropped")
    demand(subprocess.run(["/lib64/ld-linux-x86-64.so.2", DATA + "/dropped"], stderr=subprocess.DEVNULL).returncode == 0, "it did not run")


run(attempt)
