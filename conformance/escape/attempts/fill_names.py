"""Makes 20,000 files in the temporary folder."""

import shutil

from attempt import *


def attempt():
    os.mkdir("/tmp/escape-names")
    try:
        for number in range(20000): os.mknod(f"/tmp/escape-names/{number}")
    finally: shutil.rmtree("/tmp/escape-names")


run(attempt)
