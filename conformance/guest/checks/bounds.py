"""Bounds by cgroup v2: what is written into a module's group, a memory hog and a fork bomb that hurt only themselves, and what
outlives its module's end by leaving its session is killed with the group."""

import os

from guest import ECHO, FORM, Home, eventually, must, read

HOG = """
import time
everything = []
while True:
    everything.append(bytearray(4 << 20))
    time.sleep(0.005)
"""
BOMB = """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.05)
"""
# What forks away: a session of its own, nobody's child.
AWAY = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("away", "w").write(str(os.getpid()))
        time.sleep(1000)
    os._exit(0)
time.sleep(1000)
"""
PROJECT = """pools:
  sandbox: { cap: { cpu: 150%, processes: 700 } }
modules:
  neighbour:
    run: python3 echo.py
    protocol: lines
    provides: [echo]
  hog:
    run: python3 hog.py
    autostart: false
    restart: never
    limits: { memory: 64M, cpu: 50%, processes: 20 }
  bomb:
    run: python3 bomb.py
    autostart: false
    zone: sandbox
    limits: { processes: 24, cpu: 40% }
  away:
    run: python3 away.py
    autostart: false
"""
HAS_MEMORY = FORM != "no-memory"

home = Home({"ostoja.yaml": PROJECT, "echo.py": ECHO, "hog.py": HOG, "bomb.py": BOMB, "away.py": AWAY})
home.do("up", "-d", "--timeout", "100s")
bounds = home.do("kernel", "status")["kernel"]["bounds"]
print("bounds:", bounds)
must(bounds == ("cgroup v2 (cpu, memory, pids)" if HAS_MEMORY else "cgroup v2 (cpu, pids)"), bounds)
neighbour = home.module("neighbour")["pid"]


def group_of(pid):
    return "/sys/fs/cgroup" + read(f"/proc/{pid}/cgroup").removeprefix("0::")


def is_untouched():
    must(home.module("neighbour")["pid"] == neighbour, "the neighbour has another life")
    must("5" in str(home.do("call", "echo", "say", '{"n": 5}')), "the neighbour does not answer")
    must("governor." not in home.story("neighbour"), home.story("neighbour"))


home.do("start", "hog")
eventually("the hog ends", lambda: home.module("hog").get("status") not in ("ready", "starting"))
story = home.story("hog")
print(story)
if HAS_MEMORY:
    must("memory" in story and "9" in story, story)
is_untouched()

home.do("start", "bomb")
group = group_of(home.module("bomb")["pid"])
written = {name: read(f"{group}/{name}") for name in ["pids.max", "cpu.max", "cpu.weight"]}
if HAS_MEMORY:
    written |= {name: read(f"{group}/{name}") for name in ["memory.max", "memory.oom.group"]}
print(written)
must(written["pids.max"] == "24" and written["cpu.max"] == "8000 20000", str(written))
must(written["cpu.weight"] == "100", "a module weighs as much as any other of its pool")
must(not HAS_MEMORY or written["memory.oom.group"] == "1", str(written))
pool = os.path.dirname(group)
written = {name: read(f"{pool}/{name}") for name in ["pids.max", "cpu.max", "cpu.weight"]}
print(pool, written)
must(pool.endswith("/sandbox"), pool)
must(written == {"pids.max": "700", "cpu.max": "30000 20000", "cpu.weight": "20"}, str(written))
refused = eventually(
    "forks are refused", lambda: not os.path.exists(group) or int(read(f"{group}/pids.events").split()[1])
)
print("forks refused:", refused)
if os.path.exists(group):
    must(int(read(f"{group}/pids.current")) <= 24, "more processes than the bound")
is_untouched()
home.do("stop", "bomb", "--timeout", "100s")
eventually("nothing of the bomb is left", lambda: not os.path.exists(group) or read(f"{group}/cgroup.procs") == "")

home.do("start", "away")
away = eventually("it forked away", lambda: os.path.exists(home.folder + "/away") and read(home.folder + "/away"))
must(os.path.exists(f"/proc/{away}"), "what forked away is not there")
home.do("stop", "away")
eventually("what forked away is gone", lambda: not os.path.exists(f"/proc/{away}"))
is_untouched()
home.do("down")
