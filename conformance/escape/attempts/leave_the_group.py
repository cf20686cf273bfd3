"""Opens a group of processes of the machine's for joining it."""

from attempt import *


def attempt():
    for folder, _, files in os.walk("/sys/fs/cgroup"):
        if "cgroup.procs" in files:
            open(folder + "/cgroup.procs", "w").close()
            return
    raise Refused("no groups")


run(attempt)
