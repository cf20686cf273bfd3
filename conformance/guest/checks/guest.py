"""What the checks share: running `ostoja`, a home of one's own, waiting for what is to come, and the ways to fail."""

import json
import os
import subprocess
import sys
import tempfile
import time

# 60 s for one answer: the guest's processor is emulated and perhaps twenty times as slow.
ANSWER_SECONDS = 60

FORM = os.environ.get("GUEST_FORM", "plain")


def fail(text):
    print("FAILED:", text, flush=True)
    sys.exit(1)


def must(is_so, text):
    if not is_so:
        fail(text)


def read(path):
    with open(path) as file:
        return file.read().strip()


def eventually(what, test, seconds=ANSWER_SECONDS):
    """The first true answer of `test`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = test()
        if answer:
            return answer
        time.sleep(0.1)
    fail(f"not within {seconds} s: {what}")


class Home:
    """A project in a folder of its own, and the kernel that runs on it."""

    def __init__(self, files, prefix=()):
        self.folder = tempfile.mkdtemp()
        os.chmod(self.folder, 0o755)
        self.prefix = list(prefix)
        for name, text in files.items():
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)

    def run(self, *words):
        command = [*self.prefix, "ostoja", "--home", self.folder + "/home", *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=2 * ANSWER_SECONDS)
        return done.returncode, done.stdout, done.stderr

    def do(self, *words):
        """Its data; fails unless it ends well."""
        code, out, err = self.run(*words, "--json")
        must(code == 0, f"`ostoja {' '.join(words)}` ended with {code}: {out} {err}")
        return json.loads(out)["data"] if out.strip() else None

    def module(self, name):
        """How it is; nothing while no kernel answers."""
        out = self.run("status", name, "--json")[1]
        return json.loads(out).get("data", {}) if out.strip() else {}

    def story(self, name):
        return self.run("why", name)[1]


# A module of the door that answers what it is asked.
ECHO = """import json, os, sys
def say(**frame):
    os.write(1, (json.dumps(frame) + "\\n").encode())
for line in sys.stdin:
    frame = json.loads(line)
    kind = frame["type"]
    if kind == "init":
        say(type="ready")
    elif kind == "ping":
        say(type="pong")
    elif kind == "rpc_request":
        say(type="rpc_response", id=frame["id"], result={"echo": frame.get("params"), "pid": os.getpid()})
    elif kind == "shutdown":
        break
"""
