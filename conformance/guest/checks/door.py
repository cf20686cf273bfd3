"""The module door: `up`, a call, a new life after kill -9 of the module, its level told truly, and `down` leaves nothing behind."""

import os
import signal

from guest import ECHO, FORM, Home, eventually, must

PROJECT = """modules:
  echo:
    run: python3 echo.py
    protocol: lines
    provides: [echo]
  held:
    run: python3 echo.py
    protocol: lines
    provides: [held]
    permissions: { read: ["."] }
"""


def groups():
    return [name for name, _, _ in os.walk("/sys/fs/cgroup/ostoja") if "/home-" in name]


home = Home({"ostoja.yaml": PROJECT, "echo.py": ECHO})
home.do("up", "-d", "--timeout", "100s")
for name in ["echo", "held"]:
    answer = home.do("call", name, "say", '{"n": 7}')
    must("7" in str(answer), f"{name} answered {answer}")

level = home.module("held")["containment"]
print("held:", level)
print("bounds:", home.do("kernel", "status")["kernel"]["bounds"])
lacking = ["landlock_net", "landlock_scopes"] if FORM != "initial-root" else []
must(level.startswith("partial (missing: "), level)
must(all(layer in level for layer in ["landlock_files", *lacking]), level)

before = home.module("echo")["pid"]
os.kill(before, signal.SIGKILL)
after = eventually("a new life", lambda: (home.module("echo").get("status") == "ready") and home.module("echo").get("pid"))
must(after != before, "it is the same process")
answer = home.do("call", "echo", "say", '{"n": 8}')
must("8" in str(answer), f"after its restart it answered {answer}")
must("137" in home.story("echo") or "SIGKILL" in home.story("echo") or "signal 9" in home.story("echo"), home.story("echo"))

kernel = home.do("kernel", "status")["kernel"]["pid"]
home.do("down")
eventually("the kernel's process is gone", lambda: not os.path.exists(f"/proc/{kernel}"))
must(not os.path.exists(f"/proc/{after}"), "a module outlived its kernel")
must(not groups(), f"groups are left: {groups()}")
