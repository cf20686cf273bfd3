"""Runs a program from the temporary folder."""

import shutil
import subprocess

from attempt import *


def attempt():
    shutil.copy("/bin/true", "/tmp/escape-dropped"); os.chmod("/tmp/escape-dropped", 0o755)
    try: demand(subprocess.run(["/tmp/escape-dropped"]).returncode == 0, "it did not run")
    finally: os.remove("/tmp/escape-dropped")


run(attempt)
