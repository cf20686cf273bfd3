"""Fills the temporary folder with 128 MiB."""

import shutil

from attempt import *


def attempt():
    os.mkdir("/tmp/escape-fill")
    try:
        for number in range(16):
            with open(f"/tmp/escape-fill/{number}", "wb") as file: file.write(bytes(8 << 20))
    finally: shutil.rmtree("/tmp/escape-fill")


run(attempt)
