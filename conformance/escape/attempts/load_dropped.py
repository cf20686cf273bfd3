"""Loads a library that it has written itself."""

import glob
import shutil

from attempt import *


def attempt():
    shutil.copy(glob.glob("/usr/lib/x86_64-linux-gnu/libz.so*")[0] if glob.glob("/usr/lib/x86_64-linux-gnu/libz.so*") else glob.glob("/lib/x86_64-linux-gnu/libm.so*")[0], DATA + "/dropped.so")
    ctypes.CDLL(DATA + "/dropped.so")


run(attempt)
