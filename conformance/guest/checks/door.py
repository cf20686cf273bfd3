"""The module door: `up`, a call, a new life after kill -9 of the module, its level told truly, a place of the network that is granted and
taken away in the middle of a life, `security.minimum` refusing what is below it, and `down` leaves nothing behind."""

import json
import os
import signal
import socket

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
  dialer:
    run: python3 dial.py
    protocol: lines
    provides: [dialer]
    permissions: { read: ["."], net: ["127.0.0.1:PORT"] }
  strict:
    run: python3 echo.py
    protocol: lines
    autostart: false
    permissions: { read: ["."] }
    security: { minimum: full }
"""

# Tells what came of connecting to a port of the machine's loopback.
DIAL = """import errno, json, os, socket, sys
def say(**frame):
    os.write(1, (json.dumps(frame) + "\\n").encode())
def dial(port):
    try:
        socket.create_connection(("127.0.0.1", port), 20).close()
        return "reached"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
for line in sys.stdin:
    frame = json.loads(line)
    kind = frame["type"]
    if kind == "init":
        say(type="ready")
    elif kind == "ping":
        say(type="pong")
    elif kind == "rpc_request":
        say(type="rpc_response", id=frame["id"], result=dial(frame["params"]["port"]))
    elif kind == "shutdown":
        break
"""
granted = socket.create_server(("127.0.0.1", 0))
other = socket.create_server(("127.0.0.1", 0))
PROJECT = PROJECT.replace("PORT", str(granted.getsockname()[1]))


def groups():
    return [name for name, _, _ in os.walk("/sys/fs/cgroup/ostoja") if "/home-" in name]


home = Home({"ostoja.yaml": PROJECT, "echo.py": ECHO, "dial.py": DIAL})
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



def dialled(server):
    return str(home.do("call", "dialer", "dial", json.dumps({"port": server.getsockname()[1]})))


must("reached" in dialled(granted), "a granted place is not reached")
must("reached" not in dialled(other), "a place is reached that was not granted")
place = f"127.0.0.1:{other.getsockname()[1]}"
life = home.module("dialer")["pid"]
if "net_broker" not in home.module("dialer")["containment"]:
    home.do("permissions", "grant", "dialer", f"net={place}", "--yes")
    eventually("a new place is reached", lambda: "reached" in dialled(other))
    home.do("permissions", "revoke", "dialer", f"net={place}", "--yes")
    eventually("it is out of reach again", lambda: "reached" not in dialled(other))
    must(home.module("dialer")["pid"] == life, "the change took a new life")

# This Linux lacks layers, so nothing is full here.
code, out, err = home.run("start", "strict")
must(code != 0 and "security.minimum" in out + err, f"it was started below its minimum: {code} {out} {err}")

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
