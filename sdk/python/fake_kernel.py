"""A kernel for tests: starts one module, in any language, and plays the kernel's side of the module door.

    with FakeKernel([sys.executable, "greeter.py"]) as kernel:
        kernel.start()
        assert kernel.request("greeter", "hello", {"name": "Ada"})["result"] == "hello Ada"
        assert kernel.stop() == 0

Nothing here sleeps: every wait is for a frame or an exit, and ends at `DEADLINE_S` with all that was received.
"""
from __future__ import annotations

import itertools
import json
import os
import subprocess
import threading
import time
from typing import Any, Callable, Optional, Sequence

DEADLINE_S = 20.0  # seconds: a loaded machine starts an interpreter in far less; a hang ends the test, not the day
NAME_UNITS_MAX = 256  # UTF-16 units: the contract's bound for ids, services, methods and topics
LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
NUMBER = (int, float)

# What a module may say, and which fields must be there: contract A3 and B.
REQUIRED: dict[str, dict[str, Any]] = {
    "ready": {"manifest": dict}, "log": {"level": str, "msg": str},
    "log-group": {"level": str, "msg": str, "items": list}, "ack": {"id": str}, "nack": {"id": str, "error": str},
    "publish": {"topic": str}, "call": {"id": str, "method": str}, "call:response": {"id": str}, "pong": {},
    "rpc_request": {"id": str, "service": str, "method": str}, "rpc_response": {"id": str}, "cancel": {"id": str},
    "progress": {"id": str}, "chunk": {"id": str, "seq": int}, "end": {"id": str}, "credit": {"id": str, "n": int},
    "state:saved": {"id": str, "version": str}, "state:restored": {"id": str},
}
OPTIONAL: dict[str, Any] = {"error": str, "deadline_ms": int, "traceparent": str, "fraction": NUMBER, "msg": str,
                            "topic": str}
STDERR_BYTES_MAX = 1 << 20  # bytes: what is kept of a module's stderr for the failure message


def violations(frame: dict[str, Any]) -> list[str]:
    """What is wrong with a module's frame, in the words of the contract."""
    kind = frame.get("type")
    if kind not in REQUIRED:
        return [f"unknown type: {kind}"]
    found = []
    for name, wanted in REQUIRED[kind].items():
        if not isinstance(frame.get(name), wanted):
            found.append(f"{kind}: {name} is no {wanted.__name__} in {frame}")
    for name, wanted in OPTIONAL.items():
        if name in frame and not isinstance(frame[name], wanted):
            found.append(f"{kind}: {name} is no {wanted} in {frame}")
    for name in ("id", "service", "method", "topic"):
        units = len(str(frame.get(name, "")).encode("utf-16-le", "surrogatepass")) // 2
        if units > NAME_UNITS_MAX:
            found.append(f"{kind}: {name} exceeds {NAME_UNITS_MAX} chars ({units})")
    if frame.get("level", "info") not in LEVELS:
        found.append(f"{kind}: unknown level {frame['level']}")
    if "result" in frame and "error" in frame:
        found.append(f"{kind}: result and error at once in {frame}")
    return found


class FakeKernel:
    """One module process and what it has said so far. Use it as a context manager: it ends the process."""

    def __init__(self, command: Sequence[str], cwd: Optional[str] = None, env: Optional[dict[str, str]] = None) -> None:
        self.frames: list[dict[str, Any]] = []
        self.garbage: list[bytes] = []
        self.violations: list[str] = []
        self.stderr = ""
        self._taken: set[int] = set()
        self._changed = threading.Condition()
        self._ended = False
        self._ids = itertools.count(1)
        self.process = subprocess.Popen(list(command), cwd=cwd, env={**os.environ, **(env or {})},
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_stderr)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> FakeKernel:
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(1)  # A grandchild may hold the pipes.
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()  # type: ignore[union-attr]
            except OSError:
                pass  # Unsent bytes for a process that is gone.

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.strip():
                continue
            try:
                frame = json.loads(line)
                assert isinstance(frame, dict)
            except (ValueError, AssertionError):
                self.garbage.append(line)
                continue
            with self._changed:
                self.violations += violations(frame)
                self.frames.append(frame)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.stderr = (self.stderr + line.decode("utf-8", "replace"))[-STDERR_BYTES_MAX:]

    # What the kernel says.

    def send(self, kind: str, **fields: Any) -> None:
        """Sends one frame; `from_` stands for the field `from`."""
        if "from_" in fields:
            fields["from"] = fields.pop("from_")
        self.send_raw(json.dumps({"type": kind, **fields}).encode() + b"\n")

    def send_raw(self, data: bytes) -> None:
        """Sends bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def start(self, config: Optional[dict[str, Any]] = None, *, first: bool = False) -> dict[str, Any]:
        """Takes the module to ready; gives its `ready` frame. `first` is a first spawn ever."""
        if first:
            self.send("install")
        self.send("init", protocolVersion="1.0", config=config or {}, workspacePath="/home", projectRoot="/home")
        ready = self.expect("ready")
        self.send("deps_ready")
        return ready

    def ask(self, service: str, method: str, params: Any = None, **fields: Any) -> str:
        """Sends an `rpc_request` and gives its id."""
        call_id = fields.pop("id", None) or f"q{next(self._ids)}"
        if params is not None:
            fields["params"] = params
        self.send("rpc_request", id=call_id, from_="caller", service=service, method=method, **fields)
        return call_id

    def request(self, service: str, method: str, params: Any = None, **fields: Any) -> dict[str, Any]:
        """Sends an `rpc_request` and waits for its `rpc_response`."""
        return self.expect("rpc_response", id=self.ask(service, method, params, **fields))

    def stop(self) -> int:
        """Asks the module to finish and gives its exit code."""
        self.send("shutdown")
        return self.wait()

    def close_stdin(self) -> None:
        """What the module sees when the kernel dies."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    # What the module says.

    def wait(self) -> int:
        """Waits for the exit; gives its code."""
        code = self.process.wait(DEADLINE_S)
        self._threads[0].join(1)
        return code

    def expect(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Waits for a frame of this type whose fields have these values; each frame is given once."""
        return self.expect_that(f"{kind} {fields}", lambda frame: frame.get("type") == kind and all(
            frame.get(name) == value for name, value in fields.items()))

    def expect_that(self, what: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Waits for a frame that satisfies the condition; each frame is given once."""
        deadline = time.monotonic() + DEADLINE_S
        seen = 0
        with self._changed:
            while True:
                assert not self.violations, self.violations
                for at in range(seen, len(self.frames)):
                    if at not in self._taken and wanted(self.frames[at]):
                        self._taken.add(at)
                        return self.frames[at]
                seen = len(self.frames)
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    break
                self._changed.wait(left)
        raise AssertionError(f"expected {what}; the module said {self.frames[-20:]}, not JSON: {self.garbage[-5:]}, "
                             f"stderr: {self.stderr[-2000:]}")

    def sent(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """All frames of this type with these values that came so far."""
        return [frame for frame in self.frames if frame.get("type") == kind
                and all(frame.get(name) == value for name, value in fields.items())]
