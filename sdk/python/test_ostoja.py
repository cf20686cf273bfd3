"""Drives the SDK over real pipes, as the kernel does: `python3 -m unittest discover -s sdk/python`.

What every SDK has to keep is in `sdk/conformance/test_door.py`, which runs it for Python too; here is what is Python's own.
"""
from __future__ import annotations

import filecmp
import json
import os
import pty
import subprocess
import sys
import tempfile
import textwrap
import unittest
from typing import Any, Optional

from fake_kernel import DEADLINE_S, FakeKernel

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

# One module that offers everything the tests ask for.
EVERYTHING = """
import asyncio, os, subprocess, sys, threading
print("printed before run", end="")
import ostoja
from ostoja import Call, CallError, Failure, acall, call, config, emit, hook, kernel, log, on, progress, publish, run
from ostoja import restore_state, save_state, service

held = threading.Event()

@service("echo")
class Echo:
    def __init__(self): self.made = True
    def same(self, params): return params
    def add(self, a, b=1): return a + b
    def _hidden(self): return "no"
    def fail(self): raise ValueError("bad luck")
    def refuse(self): raise Failure("not today")
    def odd(self): return {1, 2}
    def big(self): return "x" * (2 << 20)
    def nan(self): return float("nan")
    def unicode(self): return "żółw \\ud800"
    def who(self, call): return [call.sender, call.service, call.method, call.id]
    async def soon(self, value):
        await asyncio.sleep(0)
        return value

@service("echo", "named")
def function(): return "function"

@service("work", "hold")
def hold(call: Call):
    log("holding", data={"id": call.id})
    call.wait_cancelled(20)
    log("noticed", data={"cancelled": call.cancelled})
    return "too late"

@service("work", "hold_async")
async def hold_async():
    log("holding async")
    try:
        await asyncio.sleep(20)
    except asyncio.CancelledError:
        log("noticed async")
        raise

@service("work", "wait")
def wait():
    log("waiting")
    held.wait(20)
    return "waited"

@service("work", "left")
def left(call): return call.remaining()

@service("work", "count")
def count(to):
    for n in range(to):
        yield n
    return "counted"

@service("work", "count_async")
async def count_async(to):
    for n in range(to):
        yield n

@service("relay", "call")
def relay(service, method, given=None, timeout=None):
    try:
        return call(service, method, given, timeout=timeout, on_progress=lambda f, m: log("progress", data=[f, m]))
    except CallError as problem:
        return {"kind": type(problem).__name__, "error": problem.error, "text": str(problem)}

@service("relay", "acall")
async def arelay(timeout=None):
    try:
        return await acall("other", "thing", timeout=timeout)
    except CallError as problem:
        return {"kind": type(problem).__name__}

@service("relay", "blocking_on_loop")
async def blocking_on_loop(): return call("other", "thing")

@service("relay", "stream")
def relay_stream(stop_at=None):
    taken = []
    pieces = ostoja.stream("other", "pieces")
    for piece in pieces:
        taken.append(piece)
        if len(taken) == stop_at: return taken
    return [taken, pieces.result()]

@service("relay", "astream")
async def relay_astream():
    return [piece async for piece in ostoja.stream("other", "pieces")]

@service("config", "read")
def read(key=None): return config(key, "none") if key else config()

@service("out", "prints")
def prints():
    print("from python")
    os.write(1, b"from a C library\\n")
    subprocess.run(["sh", "-c", "echo from a child"])
    print("x" * 20000)
    print("   ")
    sys.stdout.write("no newline, sent at the end")

@service("out", "logs")
def logs():
    log("plain")
    log.warn("careful", {"n": 1})
    log.group("tree", [{"msg": "leaf", "data": 2}], level="error")
    log("unsendable", data=object())
    log("topical", topic="t")
    import logging
    logging.getLogger("x").addHandler(ostoja.LogHandler())
    logging.getLogger("x").error("standard")

@service("out", "publish")
def publishes(topic): publish(topic, {"n": 1})

@on("news")
def news(payload): log("news", data=payload)

@on("news")
def news_with_topic(payload, message):
    if payload == "fail": raise RuntimeError("cannot")
    if payload == "relay": publish("more", message.topic)

@ostoja.method("kernel.asks")
def kernel_asks(params): return ["answer", params]

@hook("install")
def installed(): log("hook install")
@hook("init")
def init():
    log("hook init", data=config())
    if config("fail"): raise Failure("no database")
@hook("ready")
def ready(): log("hook ready")
@hook("service_available")
def available(name): log("hook service", data=name)
@hook("config")
def changed(section): log("hook config", data=section)
@save_state
def save(): return {"kept": 1}
@restore_state
def restore(state, version):
    if version == "bad": raise Failure("cannot read that")
    log("hook restore", data=state)
@hook("shutdown")
async def down(): log("hook shutdown")

run()
"""


class ModuleCase(unittest.TestCase):
    """Starts scripts that use the SDK."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def module(self, source: str = EVERYTHING, manifest: Optional[dict[str, Any]] = None) -> FakeKernel:
        path = os.path.join(self.folder, "module.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(source))
        if manifest is not None:
            with open(os.path.join(self.folder, "module.json"), "w", encoding="utf-8") as file:
                json.dump(manifest, file)
        kernel = FakeKernel([sys.executable, path], env={"PYTHONPATH": HERE})
        self.addCleanup(kernel.__exit__)
        self.addCleanup(lambda: self.assertEqual(kernel.violations, []))
        return kernel

    def ready(self, **start: Any) -> FakeKernel:
        kernel = self.module()
        kernel.start(**start)
        return kernel


class Life(ModuleCase):
    def test_ready_tells_what_the_code_offers(self) -> None:
        ready = self.module().start()
        self.assertEqual(ready["manifest"]["provides"], ["config", "echo", "out", "relay", "work"])
        self.assertEqual(ready["manifest"]["subscribes"], ["news"])

    def test_ready_carries_the_manifest_file_and_warns_of_what_it_lacks(self) -> None:
        manifest = {"id": "m", "name": "M", "provides": ["echo"], "permissions": {}, "capabilities": {"topics": ["news"]}}
        kernel = self.module(manifest=manifest)
        ready = kernel.start()
        self.assertEqual(ready["manifest"], {**manifest, "subscribes": ["news"]})
        kernel.expect("log", level="warn",
                      msg="module.json lacks config, out, relay, work in `provides`: the kernel will not know")

    def test_a_failed_init_is_a_nack_and_an_exit(self) -> None:
        kernel = self.module()
        kernel.send("init", protocolVersion="1.0", config={"m": {"fail": True}}, workspacePath="/", projectRoot="/")
        self.assertEqual(kernel.expect("nack"), {"type": "nack", "id": "init", "error": "no database"})
        self.assertEqual(kernel.wait(), 1)
        self.assertEqual(kernel.sent("ready"), [])

    def test_a_service_class_that_cannot_be_made_fails_the_init(self) -> None:
        kernel = self.module("""
            import ostoja
            @ostoja.service("s")
            class S:
                def __init__(self): raise OSError("no disk")
            ostoja.run()
            """)
        kernel.send("init", protocolVersion="1.0", config={}, workspacePath="/", projectRoot="/")
        self.assertEqual(kernel.expect("nack")["error"], "OSError: no disk")
        self.assertEqual(kernel.wait(), 1)

    def test_threads_of_the_user_do_not_keep_an_orphan(self) -> None:
        kernel = self.module("""
            import ostoja, threading
            threading.Thread(target=threading.Event().wait).start()
            ostoja.run()
            """)
        kernel.start()
        kernel.close_stdin()
        self.assertEqual(kernel.wait(), 0)

    def test_sigterm_right_after_ready_is_never_missed(self) -> None:
        for _ in range(25):  # The signal comes while the main thread is on its way into its sleep.
            with self.module("import ostoja; ostoja.run()") as kernel:
                kernel.start()
                kernel.process.terminate()
                self.assertEqual(kernel.wait(), 0)

    def test_a_closed_stdout_does_not_hang(self) -> None:
        process = subprocess.Popen([sys.executable, "-c", "import ostoja; ostoja.run()"], cwd=HERE,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None
        process.stdout.close()
        process.communicate(b'{"type":"ping"}\n' * 3, timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 0)

    def test_ping_is_answered_while_every_worker_is_busy(self) -> None:
        kernel = self.ready()
        calls = [kernel.ask("work", "wait") for _ in range(12)]
        for _ in range(8):
            kernel.expect("log", msg="waiting")
        kernel.send("ping")
        kernel.expect("pong")
        self.assertEqual(kernel.sent("rpc_response"), [])
        kernel.send("cancel", id=calls[-1])
        self.assertEqual(kernel.expect("rpc_response", id=calls[-1])["error"], "cancelled")

    def test_state_is_saved_and_restored(self) -> None:
        kernel = self.ready()
        kernel.send("state:save", id="a")
        self.assertEqual(kernel.expect("state:saved"), {"type": "state:saved", "id": "a", "state": {"kept": 1},
                                                        "version": "0"})
        kernel.send("state:restore", id="b", state={"kept": 2}, version="1")
        kernel.expect("state:restored", id="b")
        kernel.expect("log", msg="hook restore", data={"kept": 2})
        kernel.send("state:restore", id="c", state=None, version="bad")
        self.assertEqual(kernel.expect("nack", id="c")["error"], "cannot read that")

    def test_on_a_terminal_it_says_what_it_is_and_exits_64(self) -> None:
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        done = subprocess.run([sys.executable, "-c", "import ostoja; ostoja.run()"], stdin=follower, cwd=HERE,
                              capture_output=True, timeout=DEADLINE_S)
        os.close(follower)
        self.assertEqual((done.returncode, done.stdout), (64, b""))
        self.assertIn(b"is an Ostoja module", done.stderr)
        self.assertIn(b"ostoja up", done.stderr)


class Input(ModuleCase):
    def test_blank_garbled_and_unknown_lines_are_survived(self) -> None:
        kernel = self.ready()
        kernel.send_raw(b"\n  \n{not json\n[1]\nnull\n{}\n" + b'{"type":"from_the_future","id":1}\n'
                        + b'{"type":5}\n\xff\xfe\n' + b"[" * 100_000 + b"\n")
        self.assertEqual(kernel.request("echo", "same", 7)["result"], 7)

    def test_every_message_of_the_kernel_in_the_vectors_is_survived(self) -> None:
        with open(os.path.join(ROOT, "conformance", "vectors", "codec-to-module.jsonl"), encoding="utf-8") as file:
            lines = [json.loads(line)["expect"] for line in file if line.strip()]
        frames = [json.loads(line) for line in lines]
        self.assertLessEqual({"install", "init", "deps_ready", "service_available", "ping", "deliver", "config:update",
                              "call", "call:response", "rpc_request", "rpc_response", "shutdown", "cancel", "progress",
                              "chunk", "end", "credit"}, {frame["type"] for frame in frames})
        kernel = self.module()
        kernel.start()
        lives = [(line, frame) for line, frame in zip(lines, frames) if frame["type"] != "shutdown"]
        for line, _ in lives:
            kernel.send_raw(line.encode() + b"\n")
        self.assertEqual(kernel.request("echo", "same", "last")["result"], "last")
        cancelled = {frame["id"] for frame in frames if frame["type"] == "cancel"}
        for frame in (frame for _, frame in lives):
            if frame["type"] == "rpc_request" and frame["id"] not in cancelled:
                kernel.expect("rpc_response", id=frame["id"])
            elif frame["type"] == "call":
                kernel.expect("call:response", id=frame["id"])
            elif frame["type"] == "deliver":
                kernel.expect("ack", id=frame["id"])
            elif frame["type"] == "ping":
                kernel.expect("pong")
        self.assertEqual(kernel.sent("log", level="warn"), [])
        self.assertEqual(kernel.stderr, "")

    def test_fields_of_the_wrong_type_hurt_nobody(self) -> None:
        kernel = self.ready()
        for fields in ({"deadline_ms": "soon"}, {"deadline_ms": True}, {"deadline_ms": -5}, {"traceparent": 7}):
            kernel.request("echo", "same", 1, **fields)
        kernel.send("cancel")
        kernel.send("cancel", id={"not": "a string"})
        kernel.send("credit", id="nobody", n="many")
        kernel.send("rpc_response", id=["x"])
        kernel.send("chunk", id=None)
        kernel.send("deliver", topic=["t"])
        kernel.send("rpc_request", id="w", service=["s"], method={})
        self.assertEqual(kernel.request("echo", "same", 2)["result"], 2)


class Services(ModuleCase):
    def test_params_become_arguments(self) -> None:
        kernel = self.ready()
        cases = [({"a": 1, "b": 2}, 3), ([1, 2], 3), (1, 2), ({"a": 1}, 2)]
        for params, result in cases:
            self.assertEqual(kernel.request("echo", "add", params)["result"], result)
        for params in (None, True, 0, "text", [1, {"a": None}], {"b": 1}):
            self.assertEqual(kernel.request("echo", "same", params)["result"], params)
        self.assertEqual(kernel.request("echo", "named")["result"], "function")
        self.assertEqual(kernel.request("echo", "soon", ["x"])["result"], "x")

    def test_the_call_is_handed_to_a_parameter_named_call(self) -> None:
        self.assertEqual(self.ready().request("echo", "who", id="z")["result"], ["caller", "echo", "who", "z"])

    def test_every_failure_is_an_answer(self) -> None:
        kernel = self.ready()
        cases = [
            ("echo", "add", None, "bad params: missing a required argument: 'a'"),
            ("echo", "add", {"c": 1, "a": 1}, "bad params: got an unexpected keyword argument 'c'"),
            ("echo", "who", {"call": 1}, "bad params: `call` is a reserved name"),
            ("echo", "fail", None, "ValueError: bad luck"),
            ("echo", "refuse", None, "not today"),
            ("echo", "_hidden", None, "Unknown method: _hidden"),
            ("echo", "nothing", None, "Unknown method: nothing"),
            ("nobody", "nothing", None, "service_not_found"),
            ("echo", "odd", None, "bad result: Object of type set is not JSON serializable"),
        ]
        for service, name, params, error in cases:
            self.assertEqual(kernel.request(service, name, params)["error"], error)
        self.assertIn("exceeds the line limit of 1048576", kernel.request("echo", "big")["error"])
        self.assertIn("bad result: Out of range float", kernel.request("echo", "nan")["error"])
        self.assertEqual(kernel.request("echo", "unicode")["result"], "żółw ?")
        failed = kernel.expect("log", level="error", msg="echo.fail failed: ValueError: bad luck")
        self.assertIn("raise ValueError", failed["data"]["traceback"])
        self.assertEqual(kernel.sent("log", level="error"), [failed])

    def test_cancel_is_answered_at_once_and_the_handler_sees_it(self) -> None:
        kernel = self.ready()
        for method, noticed in (("hold", "noticed"), ("hold_async", "noticed async")):
            call_id = kernel.ask("work", method)
            kernel.expect_that("holding", lambda frame: str(frame.get("msg")).startswith("holding"))
            kernel.send("cancel", id=call_id)
            self.assertEqual(kernel.expect("rpc_response", id=call_id)["error"], "cancelled")
            kernel.expect("log", msg=noticed)
            kernel.request("echo", "same", 1)
            self.assertEqual(len(kernel.sent("rpc_response", id=call_id)), 1)

    def test_a_handler_sees_its_deadline(self) -> None:
        kernel = self.ready()
        self.assertIsNone(kernel.request("work", "left")["result"])
        left = kernel.request("work", "left", deadline_ms=60_000)["result"]
        self.assertTrue(0 < left <= 60, left)
        kernel.ask("work", "hold", deadline_ms=20)
        kernel.expect("log", msg="noticed", data={"cancelled": True})

    def test_a_call_whose_deadline_has_passed_is_not_begun(self) -> None:
        kernel = self.ready()
        self.assertEqual(kernel.request("work", "left", deadline_ms=0)["error"], "deadline_exceeded")

    def test_a_generator_is_streamed_within_the_credit(self) -> None:
        kernel = self.ready()
        for method, result in (("count", "counted"), ("count_async", None)):
            call_id = kernel.ask("work", method, [20])
            kernel.expect("chunk", id=call_id, seq=15)
            kernel.request("echo", "same", 1)
            self.assertEqual(len(kernel.sent("chunk", id=call_id)), 16, "no more than the window without credit")
            kernel.send("credit", id=call_id, n=100)
            answer = kernel.expect("rpc_response", id=call_id)
            self.assertEqual(answer, {"type": "rpc_response", "id": call_id, "result": result})
            pieces = [(frame["seq"], frame["data"]) for frame in kernel.sent("chunk", id=call_id)]
            self.assertEqual(pieces, [(n, n) for n in range(20)])
            order = [frame["type"] for frame in kernel.frames if frame.get("id") == call_id]
            self.assertEqual(order[-2:], ["end", "rpc_response"])

    def test_cancel_ends_a_stream_that_waits_for_credit(self) -> None:
        kernel = self.ready()
        call_id = kernel.ask("work", "count", [1000])
        kernel.expect("chunk", id=call_id, seq=15)
        kernel.send("cancel", id=call_id)
        self.assertEqual(kernel.expect("rpc_response", id=call_id)["error"], "cancelled")
        kernel.send("credit", id=call_id, n=10)
        kernel.request("echo", "same", 1)
        self.assertEqual(kernel.sent("end", id=call_id), [])


# Methods that are quick until they are told otherwise.
QUICK = """
import threading
from ostoja import call, run, service

released = threading.Event()

@service("quick", "work")
def work(wait=False):
    if wait:
        released.wait(20)
    return threading.current_thread().name

@service("quick", "release")
def release():
    released.set()

@service("quick", "ask")
def ask(ask=False):
    return call("other", "thing") if ask else threading.current_thread().name

@service("quick", "leave")
def leave(leave=False):
    if leave:
        raise SystemExit(3)
    return threading.current_thread().name

run()
"""


class Quick(ModuleCase):
    """Methods that the reader runs itself, since they have always been quick."""

    def quick(self, method: str) -> FakeKernel:
        kernel = self.module(QUICK)
        kernel.start()
        # On a busy machine a quick run may look slow, and the count begins again.
        for _ in range(5_000):
            if kernel.request("quick", method)["result"] == "ostoja-reader":
                return kernel
        raise AssertionError("the reader never ran it")

    def test_one_that_is_slow_for_once_holds_nobody_up(self) -> None:
        kernel = self.quick("work")
        for _ in range(3):
            slow = kernel.ask("quick", "work", {"wait": True})
            kernel.send("ping")
            kernel.expect("pong")
            # It is read while the first one waits for what it does.
            kernel.request("quick", "release")
            self.assertIn("result", kernel.expect("rpc_response", id=slow))
        self.assertIn("result", kernel.request("quick", "work"))

    def test_one_that_calls_for_once_gets_its_answer(self) -> None:
        kernel = self.quick("ask")
        asked = kernel.ask("quick", "ask", {"ask": True})
        wanted = kernel.expect("rpc_request", service="other", method="thing")
        kernel.send("rpc_response", id=wanted["id"], result="answered")
        self.assertEqual(kernel.expect("rpc_response", id=asked)["result"], "answered")
        self.assertNotEqual(kernel.request("quick", "ask")["result"], "ostoja-reader")

    def test_one_that_would_leave_answers_and_does_not_make_the_module_deaf(self) -> None:
        kernel = self.quick("leave")
        self.assertEqual(kernel.request("quick", "leave", {"leave": True})["error"], "SystemExit: 3")
        self.assertIn("result", kernel.request("quick", "work"))
        self.assertEqual(kernel.stop(), 0)


class Calls(ModuleCase):
    def relay(self, kernel: FakeKernel, method: str = "call", **params: Any) -> tuple[str, dict[str, Any]]:
        """Makes the module call `other.thing`; gives the outer id and the frame that came out."""
        if method == "call":
            params = {"service": "other", "method": "thing", **params}
        outer = kernel.ask("relay", method, params)
        return outer, kernel.expect("rpc_request")

    def test_errors_come_back_as_exceptions(self) -> None:
        kernel = self.ready()
        for error, kind in (("forbidden", "CallError"), ("service_not_found", "CallError"), ("timeout", "TimedOut"),
                            ("cancelled", "Cancelled")):
            outer, frame = self.relay(kernel)
            kernel.send("rpc_response", id=frame["id"], error=error)
            self.assertEqual(kernel.expect("rpc_response", id=outer)["result"],
                             {"kind": kind, "error": error, "text": f"other.thing: {error}"})

    def test_a_timeout_is_sent_along_and_then_cancels(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel, timeout=0.05)
        self.assertEqual(frame["deadline_ms"], 50)
        kernel.expect("cancel", id=frame["id"])
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"]["kind"], "TimedOut")
        kernel.send("rpc_response", id=frame["id"], result="late")
        outer, frame = self.relay(kernel, "acall", timeout=0.05)
        kernel.expect("cancel", id=frame["id"])
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"]["kind"], "TimedOut")

    def test_a_cancelled_async_handler_cancels_what_it_called(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel, "acall")
        kernel.send("cancel", id=outer)
        kernel.expect("cancel", id=frame["id"])
        self.assertEqual(kernel.expect("rpc_response", id=outer)["error"], "cancelled")

    def test_a_stream_is_read_and_credit_is_granted(self) -> None:
        kernel = self.ready()
        for method in ("stream", "astream"):
            outer, frame = self.relay(kernel, method)
            for seq in range(10):
                kernel.send("chunk", id=frame["id"], seq=seq, data=seq)
            self.assertEqual(kernel.expect("credit"), {"type": "credit", "id": frame["id"], "n": 8})
            kernel.send("end", id=frame["id"])
            kernel.send("rpc_response", id=frame["id"], result="sum")
            pieces = list(range(10))
            self.assertEqual(kernel.expect("rpc_response", id=outer)["result"],
                             [pieces, "sum"] if method == "stream" else pieces)

    def test_leaving_a_stream_cancels_it(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel, "stream", stop_at=1)
        kernel.send("chunk", id=frame["id"], seq=0, data="a")
        kernel.expect("cancel", id=frame["id"])
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], ["a"])

    def test_a_stream_that_fails_raises(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel, "stream")
        kernel.send("chunk", id=frame["id"], seq=0, data="a")
        kernel.send("rpc_response", id=frame["id"], error="Module other stopped while processing RPC")
        self.assertEqual(kernel.expect("rpc_response", id=outer)["error"],
                         "other.pieces: Module other stopped while processing RPC")

    def test_a_blocking_call_on_the_loop_is_refused(self) -> None:
        answer = self.ready().request("relay", "blocking_on_loop")
        self.assertEqual(answer["error"], "call blocks: use `await acall(...)` in async code")

    def test_a_name_over_256_units_is_refused_here(self) -> None:
        kernel = self.ready()
        for topic, error in (("t" * 256, None), ("t" * 257, "ValueError: topic exceeds 256 chars (257)"),
                             ("\U0001f600" * 129, "ValueError: topic exceeds 256 chars (258)")):
            self.assertEqual(kernel.request("out", "publish", [topic]).get("error"), error)
        self.assertEqual(kernel.sent("publish"), [{"type": "publish", "topic": "t" * 256, "payload": {"n": 1}}])


class Talk(ModuleCase):
    def test_a_failing_topic_handler_is_a_nack(self) -> None:
        kernel = self.ready()
        kernel.send("deliver", id="d", topic="news", payload="fail")
        self.assertEqual(kernel.expect("nack", id="d")["error"], "RuntimeError: cannot")

    def test_everything_printed_becomes_a_log_line(self) -> None:
        kernel = self.ready()
        self.assertEqual(kernel.garbage, [b"printed before run\n"], "an unfinished line must not swallow a frame")
        self.assertIsNone(kernel.request("out", "prints")["result"])
        self.assertEqual(kernel.stop(), 0)
        printed = [frame["msg"] for frame in kernel.sent("log", data={"source": "stdout"})]
        self.assertEqual(printed[:3], ["from python", "from a C library", "from a child"])
        self.assertEqual(sum(map(len, printed[3:-1])), 20_000)
        self.assertTrue(all(len(line) <= 1 << 16 for line in printed))
        self.assertEqual(printed[-1], "no newline, sent at the end")
        self.assertEqual(len(kernel.garbage), 1)

    def test_logs_have_level_data_items_and_topic(self) -> None:
        kernel = self.ready()
        kernel.request("out", "logs")
        logs = [frame for frame in kernel.frames if frame["type"].startswith("log") and
                not frame["msg"].startswith("hook")]
        self.assertEqual(logs, [
            {"type": "log", "level": "info", "msg": "plain"},
            {"type": "log", "level": "warn", "msg": "careful", "data": {"n": 1}},
            {"type": "log-group", "level": "error", "msg": "tree", "items": [{"msg": "leaf", "data": 2}]},
            {"type": "log", "level": "info", "msg": "(not shown: Object of type object is not JSON serializable)"},
            {"type": "log", "level": "info", "msg": "topical", "topic": "t"},
            {"type": "log", "level": "error", "msg": "standard"}])

    def test_config_is_the_own_section_and_follows_updates(self) -> None:
        kernel = self.ready(config={"everything": {"a": {"b": 1}, "list": [1]}})
        for key, value in (("a.b", 1), ("a", {"b": 1}), ("a.c", "none"), ("list.0", "none"), ("x", "none")):
            self.assertEqual(kernel.request("config", "read", [key])["result"], value)
        kernel.send("config:update", config={"everything": {"a": 2}}, changedSections=["everything"])
        kernel.expect("log", msg="hook config", data={"a": 2})
        self.assertEqual(kernel.request("config", "read")["result"], {"a": 2})

    def test_without_a_kernel_a_verb_says_what_is_missing(self) -> None:
        done = subprocess.run([sys.executable, "-c", "import ostoja; ostoja.log('heard'); ostoja.publish('t', 1)"],
                              cwd=HERE, capture_output=True, text=True, timeout=DEADLINE_S, stdin=subprocess.DEVNULL)
        self.assertIn("info: heard", done.stderr)
        self.assertIn("not connected to a kernel: call run() first", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_importing_leaves_stdout_alone(self) -> None:
        done = subprocess.run([sys.executable, "-c", "import ostoja; print('mine')"], cwd=HERE, capture_output=True,
                              text=True, timeout=DEADLINE_S, stdin=subprocess.DEVNULL)
        self.assertEqual(done.stdout, "mine\n")


class Copies(unittest.TestCase):
    def test_the_copy_in_the_example_is_this_file(self) -> None:
        copy = os.path.join(ROOT, "examples", "python-greeter", "ostoja.py")
        self.assertTrue(filecmp.cmp(os.path.join(HERE, "ostoja.py"), copy, shallow=False),
                        "run: cp sdk/python/ostoja.py examples/python-greeter/ostoja.py")


if __name__ == "__main__":
    unittest.main()
