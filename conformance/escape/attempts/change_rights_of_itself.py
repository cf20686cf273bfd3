"""Changes the rights of the program that was approved."""

from attempt import *


def attempt():
    os.chmod(OWN + "/attempt.py", 0o777)


run(attempt)
