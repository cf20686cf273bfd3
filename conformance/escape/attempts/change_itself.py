"""Changes the program that was approved."""

from attempt import *


def attempt():
    open(OWN + "/attempt.py", "a").write("#")


run(attempt)
