"""Fills the temporary folder with 128 MiB."""

import shutil
import tempfile

from attempt import *


def attempt():
    folder = tempfile.mkdtemp(dir="/tmp")
    try:
        for number in range(16):
            with open(f"{folder}/{number}", "wb") as file: file.write(bytes(8 << 20))
    finally: shutil.rmtree(folder)


run(attempt)
