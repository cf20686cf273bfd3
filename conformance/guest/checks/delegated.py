"""A kernel in a group of its own, as a service manager starts it with delegation: it moves into a leaf and hands the controllers down;
with company in its group it can't, and then it says so and lives on."""

import os
import subprocess

from guest import FORM, Home, eventually, must, read

PROJECT = """modules:
  held:
    run: sleep 1000
    limits: { processes: 24 }
"""
SERVICE = "/sys/fs/cgroup/service"


def started(company):
    os.makedirs(SERVICE, exist_ok=True)
    enter = f"echo $$ > {SERVICE}/cgroup.procs; exec \"$@\""
    if company:
        enter = f"echo $$ > {SERVICE}/cgroup.procs; sleep 1000 & echo $! > /run/company; exec \"$@\""
    home = Home({"ostoja.yaml": PROJECT})
    # In the foreground, as a service manager does it.
    kernel = subprocess.Popen(
        ["sh", "-c", enter, "sh", "ostoja", "--home", home.folder + "/home", "up"],
        cwd=home.folder, stdin=subprocess.DEVNULL,
    )
    eventually("it is ready", lambda: home.module("held").get("status") == "ready")
    return home, kernel, home.do("kernel", "status")["kernel"]["bounds"], home.module("held")["pid"]


for top in ["cpu", "memory", "pids"]:
    if not (FORM == "no-memory" and top == "memory"):
        with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as file:
            file.write(f"+{top}")

home, kernel, bounds, pid = started(company=False)
group = read(f"/proc/{pid}/cgroup")
print("alone:", bounds, group)
must(bounds.startswith("cgroup v2 ("), bounds)
must("/service/" in group, group)
must(read("/sys/fs/cgroup" + group.removeprefix("0::") + "/pids.max") == "24", "the bound is not written")
home.do("down")
must(kernel.wait(60) == 0, "the kernel did not end well")

home, kernel, bounds, pid = started(company=True)
print("with company:", bounds)
must("cgroup" not in bounds, bounds)
home.do("down")
must(kernel.wait(60) == 0, "the kernel did not end well")
with open("/run/company") as file:
    os.kill(int(file.read()), 9)
