"""Makes 8,500 files in the temporary folder."""

import shutil
import tempfile

from attempt import *


def attempt():
    folder = tempfile.mkdtemp(dir="/tmp")
    try:
        for number in range(8500): os.close(os.open(f"{folder}/{number}", os.O_CREAT))
    finally: shutil.rmtree(folder)


run(attempt)
