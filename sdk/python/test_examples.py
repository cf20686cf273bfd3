"""Runs every example for real, as the kernel would: `python3 -m unittest discover -s sdk/python`.

An example whose runtime is not on this machine is skipped, and says so. Deno is also looked for in `$DENO`.
"""
from __future__ import annotations

import filecmp
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Optional

from fake_kernel import DEADLINE_S, FakeKernel

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "examples")


def program(name: str, variable: str) -> Optional[str]:
    """The program from the variable, or from the PATH."""
    return os.environ.get(variable) or shutil.which(name)


def in_folder(folder: str) -> str:
    return os.path.join(EXAMPLES, folder)


class Manifests(unittest.TestCase):
    def test_every_folder_has_a_manifest_of_its_name_and_an_entry(self) -> None:
        folders = sorted(name for name in os.listdir(EXAMPLES) if os.path.isdir(in_folder(name)) and name != "__pycache__")
        self.assertEqual(folders, ["deno-clock", "fails-on-purpose", "go-hasher", "http-server", "node-counter",
                                   "python-greeter", "rust-adder", "shell-facts", "shell-worker", "typescript-todo",
                                   "wasm-adder"])
        for folder in folders:
            with open(os.path.join(EXAMPLES, folder, "module.json"), encoding="utf-8") as file:
                manifest = json.load(file)
            self.assertEqual(manifest["id"], folder)
            self.assertTrue(os.path.exists(os.path.join(EXAMPLES, folder, "README.md")), folder)
            if manifest["runtime"] not in ("rust", "go"):
                entry = os.path.join(EXAMPLES, folder, manifest["entry"])
                self.assertTrue(os.path.isfile(entry), entry)
                self.assertEqual(os.access(entry, os.X_OK), manifest["runtime"] == "binary", entry)


class Modules(unittest.TestCase):
    def module(self, command: list[str], folder: str) -> FakeKernel:
        kernel = FakeKernel(command, cwd=in_folder(folder))
        self.addCleanup(kernel.__exit__)
        return kernel

    def check_manners(self, kernel: FakeKernel) -> None:
        """What every module must do, whatever it is for."""
        kernel.send("ping")
        kernel.expect("pong")
        kernel.send("from_the_future", id=1)
        kernel.send("ping")
        kernel.expect("pong")
        self.assertEqual(kernel.violations, [])
        self.assertEqual(kernel.garbage, [])
        self.assertEqual(kernel.stop(), 0, kernel.stderr)

    def check_orphan(self, command: list[str], folder: str) -> None:
        kernel = self.module(command, folder)
        kernel.start()
        kernel.close_stdin()
        self.assertEqual(kernel.wait(), 0, kernel.stderr)

    def test_python_greeter(self) -> None:
        command = [sys.executable, "greeter.py"]
        kernel = self.module(command, "python-greeter")
        kernel.start({"greeter": {"greeting": "dzień dobry"}}, first=True)
        self.assertEqual(kernel.request("greeter", "hello", {"name": "Ada"})["result"], "dzień dobry Ada")
        kernel.expect("publish", topic="greeter.greeted", payload={"name": "Ada", "count": 1})
        kernel.expect("log", msg="greeting Ada", data={"source": "stdout"})
        call_id = kernel.ask("greeter", "hello_all", {"names": ["Ada", "Jan"]})
        self.assertEqual(kernel.expect("rpc_response", id=call_id)["result"], 2)
        self.assertEqual([frame["data"] for frame in kernel.sent("chunk", id=call_id)],
                         ["dzień dobry Ada", "dzień dobry Jan"])
        self.assertEqual([frame["fraction"] for frame in kernel.sent("progress", id=call_id)], [0.5, 1])
        kernel.send("deliver", id="d", topic="clock.tick", payload={"count": 1})
        kernel.expect("ack", id="d")
        self.check_manners(kernel)
        self.check_orphan(command, "python-greeter")

    def test_node_counter(self) -> None:
        node = program("node", "NODE")
        if node is None:
            self.skipTest("node is not on the PATH")
        kernel = self.module([node, "counter.mjs"], "node-counter")
        kernel.start()
        for number in range(3):
            kernel.send("deliver", id=str(number), topic="clock.tick", payload={})
            kernel.expect("ack", id=str(number))
        self.assertEqual(kernel.request("counter", "total")["result"], {"clock.tick": 3})
        self.assertEqual(kernel.request("counter", "total", {"topic": "x"})["result"], 0)
        self.assertEqual(kernel.request("counter", "toString")["error"], "Unknown method: toString")
        kernel.request("counter", "reset")
        self.assertEqual(kernel.request("counter", "total")["result"], {})
        self.check_manners(kernel)
        self.check_orphan([node, "counter.mjs"], "node-counter")

    def test_deno_clock(self) -> None:
        deno = program("deno", "DENO")
        if deno is None:
            self.skipTest("deno is not on the PATH, and $DENO is not set")
        denied = [f"--deny-{kind}" for kind in ("net", "read", "write", "run", "sys")]
        command = [deno, "run", *denied, "--allow-env=HOME,LANG,PATH", "--unstable-sloppy-imports", "--check", "clock.ts"]
        kernel = self.module(command, "deno-clock")
        kernel.start({"clock": {"intervalMs": 20}})
        for count in (1, 2, 3):
            tick = kernel.expect("publish", topic="clock.tick")
            self.assertEqual(tick["payload"]["count"], count)
            self.assertRegex(tick["payload"]["at"], r"^\d{4}-\d\d-\d\dT")
        kernel.send("config:update", config={"clock": {"intervalMs": 3_600_000}}, changedSections=["clock"])
        kernel.send("config:update", config={"clock": {"intervalMs": "soon"}}, changedSections=["clock"])
        self.check_manners(kernel)
        self.check_orphan(command, "deno-clock")


    def test_typescript_todo(self) -> None:
        deno = program("deno", "DENO")
        if deno is None:
            self.skipTest("deno is not on the PATH, and $DENO is not set")
        denied = [f"--deny-{kind}" for kind in ("net", "read", "write", "run", "sys")]
        command = [deno, "run", *denied, "--allow-env=HOME,LANG,PATH", "--unstable-sloppy-imports", "todo.ts"]
        kernel = self.module(command, "typescript-todo")
        kernel.start({"todo": {"itemsMax": 3}})
        self.assertIn("what is there to do?", kernel.request("todo", "add", {})["error"])
        for number, text in enumerate(("water", "read", "sleep"), 1):
            self.assertEqual(kernel.request("todo", "add", {"text": text})["result"], number)
            kernel.expect("publish", topic="todo.added", payload={"text": text, "open": number})
        self.assertIn("enough", kernel.request("todo", "add", {"text": "more"})["error"])
        self.assertEqual(kernel.request("todo", "done", {"number": 2})["result"], {"text": "read", "isDone": True})
        call_id = kernel.ask("todo", "list")
        self.assertEqual(kernel.expect("rpc_response", id=call_id)["result"], 2)
        self.assertEqual([frame["data"]["text"] for frame in kernel.sent("chunk", id=call_id)], ["water", "read", "sleep"])
        kernel.send("state:save", id="s")
        state = kernel.expect("state:saved")["state"]
        newer = self.module(command, "typescript-todo")
        newer.start()
        newer.send("state:restore", id="r", state=state, version="0.9.0")
        newer.expect("state:restored")
        self.assertEqual(newer.request("todo", "list")["result"], 2)
        for _ in range(60):
            newer.send("deliver", id="d", topic="clock.tick", payload={"count": 60})
        newer.expect("log", msg="2 things are still to do", data={"source": "stdout"})
        self.check_manners(newer)
        self.check_manners(kernel)
        self.check_orphan(command, "typescript-todo")

    def test_go_hasher(self) -> None:
        go = program("go", "GO")
        if go is None:
            self.skipTest("go is not on the PATH")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        built = os.path.join(folder.name, "hasher")
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "CGO_ENABLED": "0"}
        subprocess.run([go, "build", "-o", built, "."], cwd=in_folder("go-hasher"), env=environment, check=True, timeout=120)
        kernel = self.module([built], "go-hasher")
        kernel.start()
        abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        self.assertEqual(kernel.request("hasher", "hash", {"text": "abc"})["result"], abc)
        self.assertIn("what is there to hash?", kernel.request("hasher", "hash")["error"])
        call_id = kernel.ask("hasher", "hash_all", {"texts": ["abc", "abc"]})
        self.assertEqual(kernel.expect("rpc_response", id=call_id)["result"], 2)
        self.assertEqual([frame["data"] for frame in kernel.sent("chunk", id=call_id)], [abc, abc])
        self.check_manners(kernel)
        self.check_orphan([built], "go-hasher")

    def test_shell_facts(self) -> None:
        command = [os.path.join(EXAMPLES, "shell-facts", "facts.sh")]
        kernel = self.module(command, "shell-facts")
        kernel.start({"facts": {"greeting": "dzień dobry"}})
        self.assertGreaterEqual(kernel.request("facts", "load")["result"], 0)
        self.assertGreater(kernel.request("facts", "uptime")["result"], 0)
        self.assertEqual(kernel.request("facts", "uptime", {"since": "x"})["error"], "since is no whole number")
        self.assertEqual(kernel.request("facts", "echo", {"text": "ż \"x\""})["result"], 'dzień dobry: ż "x"')
        kernel.send("deliver", id="d", topic="todo.added", payload={"text": "sleep"})
        kernel.expect("log", msg="there is more to do", data={"text": "sleep"})
        self.check_manners(kernel)
        self.check_orphan(command, "shell-facts")

    def test_the_copies_of_the_sdks_are_the_sdks(self) -> None:
        for sdk, example, name in (("typescript", "typescript-todo", "ostoja.mjs"),
                                   ("typescript", "typescript-todo", "ostoja.d.mts"), ("shell", "shell-facts", "ostoja.sh")):
            copy = os.path.join(EXAMPLES, example, name)
            self.assertTrue(filecmp.cmp(os.path.join(ROOT, "sdk", sdk, name), copy, shallow=False),
                            f"run: cp sdk/{sdk}/{name} examples/{example}/{name}")


class Commands(unittest.TestCase):
    def start(self, folder: str, entry: str, **env: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([os.path.join(EXAMPLES, folder, entry)], env={**os.environ, **env}, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)

        def end() -> None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # Nobody of the group is left.
            process.communicate()
        self.addCleanup(end)
        return process

    def test_fails_on_purpose(self) -> None:
        process = self.start("fails-on-purpose", "fail.sh", FAIL_AFTER_S="0")
        out, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual((process.returncode, out, err), (3, "working\n", "cannot open database: no such file\n"))

    def test_shell_worker(self) -> None:
        process = self.start("shell-worker", "worker.sh", PAUSE_S="600")
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), "worker is up\n")
        self.assertEqual(process.stdout.readline(), "round 1\n")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=DEADLINE_S)
        self.assertEqual((process.returncode, out), (0, "worker leaves after round 1\n"))

    def test_http_server(self) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        process = self.start("http-server", "serve.sh", PORT=str(port))
        deadline = time.monotonic() + DEADLINE_S
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                break
            except ConnectionRefusedError:
                connection.close()
                self.assertIsNone(process.poll(), "it has left")
                self.assertLess(time.monotonic(), deadline, "nobody listens")
        self.assertEqual(answer.status, 200)
        self.assertTrue(re.search(b"Ostoja", answer.read()))
        connection.close()
        process.terminate()
        self.assertEqual(process.wait(DEADLINE_S), -signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
