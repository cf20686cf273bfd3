"""The module door as every SDK has to keep it: the same conversations with the same module in each language.

`everything.mjs`, `everything.py` and `everything/main.go` offer the same; here the kernel's side is played. A language
whose runtime is not on this machine is skipped, and says so: `python3 -m unittest discover -s sdk/conformance`.
"""
from __future__ import annotations

import functools
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import Any, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "sdk", "python"))

from fake_kernel import DEADLINE_S, FakeKernel  # noqa: E402

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
WINDOW = 16  # chunks: what every SDK sends before the reader grants more
BUILD_S = 120  # seconds: a cold compiler on a loaded machine
# Nothing is allowed but what the kernel always allows; a denied module must still work.
DENO_FLAGS = ["run", "--quiet", "--no-prompt", *(f"--deny-{kind}" for kind in ("net", "read", "write", "run", "sys")),
              "--allow-env=HOME,LANG,PATH"]


@functools.lru_cache(maxsize=None)
def built_go(source: str) -> str:
    """The program of a Go folder, built once for all tests."""
    folder = tempfile.mkdtemp(prefix="ostoja-go-")
    unittest.addModuleCleanup(shutil.rmtree, folder, True)
    program = os.path.join(folder, "module")
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", program, "."], cwd=source, env=environment, check=True, timeout=BUILD_S)
    return program


def command(language: str) -> list[str]:
    """How the module of a language is started; skips the test when its runtime is not here."""
    variable, program = {"node18": ("NODE18", ""), "python": ("", sys.executable)}.get(language, (language.upper(), language))
    found = os.environ.get(variable) or (shutil.which(program) if program else None)
    if not found:
        raise unittest.SkipTest(f"{language} is not on the PATH, and ${variable} is not set")
    if language == "go":
        return [built_go(os.path.join(HERE, "everything"))]
    flags = {"deno": DENO_FLAGS, "bun": ["run"]}.get(language, [])
    return [found, *flags, os.path.join(HERE, "everything.py" if language == "python" else "everything.mjs")]


class Door:
    """The conversations; a class per language below runs all of them."""

    language = ""
    command: list[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.command = command(cls.language)

    def module(self, **options: Any) -> FakeKernel:
        kernel = FakeKernel(self.command, **options)
        self.addCleanup(kernel.__exit__)
        self.addCleanup(lambda: self.assertEqual(kernel.violations, []))
        return kernel

    def ready(self, **start: Any) -> FakeKernel:
        kernel = self.module()
        kernel.start(**start)
        return kernel

    def relay(self, kernel: FakeKernel, **params: Any) -> tuple[str, dict[str, Any]]:
        """Makes the module call `other.thing`; gives the outer id and the frame that came out."""
        outer = kernel.ask("relay", "call", {"service": "other", "method": "thing", **params})
        return outer, kernel.expect("rpc_request")

    # Life.

    def test_first_spawn_runs_install_then_init_then_ready_hooks(self) -> None:
        kernel = self.ready(first=True)
        kernel.expect("log", msg="hook ready")
        kinds = [frame.get("msg", frame["type"]) for frame in kernel.frames]
        self.assertEqual(kinds, ["hook install", "hook init", "ready", "hook ready"])

    def test_ready_tells_what_the_code_offers(self) -> None:
        ready = self.module().start()
        self.assertEqual(ready["manifest"]["provides"], ["config", "echo", "out", "relay", "work"])
        self.assertEqual(ready["manifest"]["subscribes"], ["news"])

    def test_a_failed_init_is_a_nack_and_an_exit(self) -> None:
        kernel = self.module()
        kernel.send("init", protocolVersion="1.0", config={"m": {"fail": True}}, workspacePath="/", projectRoot="/")
        self.assertEqual(kernel.expect("nack"), {"type": "nack", "id": "init", "error": "no database"})
        self.assertEqual(kernel.wait(), 1)
        self.assertEqual(kernel.sent("ready"), [])

    def test_shutdown_runs_the_hook_and_exits_0(self) -> None:
        kernel = self.ready()
        self.assertEqual(kernel.stop(), 0)
        self.assertEqual(len(kernel.sent("log", msg="hook shutdown")), 1)

    def test_shutdown_lets_a_running_call_finish_and_refuses_new_ones(self) -> None:
        kernel = self.ready()
        call_id = kernel.ask("work", "wait")
        kernel.expect("log", msg="waiting")
        kernel.send("shutdown")
        self.assertEqual(kernel.request("echo", "same", 1)["error"], "shutting down")
        kernel.send("shutdown")  # Twice is once.
        self.assertEqual(kernel.sent("rpc_response", id=call_id), [])
        # Only the end of the drain, half of the grace, ends the wait for a handler that never returns.
        self.assertEqual(kernel.wait(), 0)

    def test_end_of_stdin_exits_0_with_the_shutdown_hook(self) -> None:
        kernel = self.ready()
        kernel.ask("work", "hold")
        kernel.expect("log", msg="holding")
        kernel.close_stdin()
        self.assertEqual(kernel.wait(), 0)
        self.assertEqual(len(kernel.sent("log", msg="hook shutdown")), 1)

    def test_end_of_stdin_before_init_exits_0(self) -> None:
        kernel = self.module()
        kernel.close_stdin()
        self.assertEqual(kernel.wait(), 0)

    def test_sigterm_is_a_shutdown(self) -> None:
        kernel = self.ready()
        kernel.process.terminate()
        self.assertEqual(kernel.wait(), 0)
        self.assertEqual(len(kernel.sent("log", msg="hook shutdown")), 1)

    def test_a_closed_stdout_does_not_hang(self) -> None:
        process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(b'{"type":"init","protocolVersion":"1.0","config":{},"workspacePath":"/","projectRoot":"/"}\n')
            process.stdin.flush()
            while b'"ready"' not in process.stdout.readline():
                self.assertIsNone(process.poll())
            process.stdout.close()
            process.communicate(b'{"type":"ping"}\n' * 3, timeout=DEADLINE_S)
        finally:
            process.kill()
        self.assertEqual(process.returncode, 0)

    def test_ping_is_answered_while_calls_wait(self) -> None:
        kernel = self.ready()
        calls = [kernel.ask("work", "wait") for _ in range(12)]
        kernel.expect("log", msg="waiting")
        kernel.send("ping")
        kernel.expect("pong")
        self.assertEqual(kernel.sent("rpc_response"), [])
        kernel.send("cancel", id=calls[-1])
        self.assertEqual(kernel.expect("rpc_response", id=calls[-1])["error"], "cancelled")

    def test_service_available_reaches_its_hook(self) -> None:
        kernel = self.ready()
        kernel.send("service_available", service="db")
        self.assertEqual(kernel.expect("log", msg="hook service")["data"], "db")

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
        done = subprocess.run(self.command, stdin=follower, capture_output=True, timeout=DEADLINE_S)
        os.close(follower)
        self.assertEqual((done.returncode, done.stdout), (64, b"printed before run"))
        self.assertIn(b"is an Ostoja module", done.stderr)
        self.assertIn(b"ostoja up", done.stderr)

    # Input.

    def test_blank_garbled_and_unknown_lines_are_survived(self) -> None:
        kernel = self.ready()
        kernel.send_raw(b"\n  \n{not json\n[1]\nnull\n{}\n" + b'{"type":"from_the_future","id":"1"}\n'
                        + b'{"type":5}\n\xff\xfe\n' + b"[" * 100_000 + b"\n")
        self.assertEqual(kernel.request("echo", "same", 7)["result"], 7)

    def test_every_message_of_the_kernel_in_the_vectors_is_survived(self) -> None:
        with open(os.path.join(ROOT, "conformance", "vectors", "codec-to-module.jsonl"), encoding="utf-8") as file:
            lines = [json.loads(line)["expect"] for line in file if line.strip()]
        frames = [json.loads(line) for line in lines]
        self.assertLessEqual({"install", "init", "deps_ready", "service_available", "ping", "deliver", "config:update",
                              "call", "call:response", "rpc_request", "rpc_response", "shutdown", "cancel", "progress",
                              "chunk", "end", "credit", "state:save", "state:restore"}, {frame["type"] for frame in frames})
        kernel = self.ready()
        lives = [(line, frame) for line, frame in zip(lines, frames) if frame["type"] != "shutdown"]
        for line, _ in lives:
            kernel.send_raw(line.encode() + b"\n")
        self.assertEqual(kernel.request("echo", "same", "last")["result"], "last")
        cancelled = {frame["id"] for frame in frames if frame["type"] == "cancel"}
        answers = {"rpc_request": "rpc_response", "call": "call:response", "deliver": "ack", "state:save": "state:saved"}
        for frame in (frame for _, frame in lives):
            if frame["type"] in answers and frame["id"] not in cancelled:
                kernel.expect(answers[frame["type"]], id=frame["id"])
            elif frame["type"] == "ping":
                kernel.expect("pong")
        self.assertEqual(kernel.sent("log", level="warn"), [])
        self.assertEqual(kernel.stderr, "")

    def test_a_line_over_the_limit_is_dropped_and_the_next_one_is_read(self) -> None:
        kernel = self.ready()
        kernel.send_raw(b'{"type":"ping","x":"' + b"y" * (17 << 20) + b'"}\n')
        kernel.send("ping")
        kernel.expect("pong")
        self.assertEqual(len(kernel.sent("pong")), 1)

    def test_a_character_split_over_two_writes_survives(self) -> None:
        kernel = self.ready()
        line = json.dumps({"type": "rpc_request", "id": "u", "from": "c", "service": "echo", "method": "same",
                           "params": "żółw"}, ensure_ascii=False).encode() + b"\n"
        cut = line.index("ż".encode()) + 1
        kernel.send_raw(line[:cut])
        kernel.send_raw(line[cut:])
        self.assertEqual(kernel.expect("rpc_response", id="u")["result"], "żółw")

    def test_fields_of_the_wrong_type_hurt_nobody(self) -> None:
        kernel = self.ready()
        for fields in ({"deadline_ms": "soon"}, {"deadline_ms": True}, {"traceparent": 7}):
            self.assertEqual(kernel.request("echo", "same", 1, **fields).get("result"), 1, fields)
        kernel.request("echo", "same", 1, deadline_ms=-5)
        kernel.send("cancel")
        kernel.send("cancel", id={"not": "a string"})
        kernel.send("credit", id="nobody", n="many")
        kernel.send("rpc_response", id=["x"])
        kernel.send("chunk", id=None)
        kernel.send("deliver", topic=["t"])
        kernel.send("rpc_request", id="w", service=["s"], method={})
        kernel.send("rpc_request", id="v", service="toString", method="constructor")
        self.assertEqual(kernel.expect("rpc_response", id="v")["error"], "service_not_found")
        self.assertEqual(kernel.request("echo", "same", 2)["result"], 2)

    # Services.

    def test_params_arrive_as_they_were_sent(self) -> None:
        kernel = self.ready()
        for params in (True, 0, "text", [1, {"a": None}], {"b": 1}, "żółw 🦀"):
            self.assertEqual(kernel.request("echo", "same", params)["result"], params)
        self.assertIsNone(kernel.request("echo", "same")["result"])
        self.assertEqual(kernel.request("echo", "who", id="z")["result"], ["caller", "echo", "who", "z"])

    def test_every_failure_is_an_answer(self) -> None:
        kernel = self.ready()
        for service, name, error in (("echo", "refuse", "not today"), ("echo", "_hidden", "Unknown method: _hidden"),
                                     ("echo", "nothing", "Unknown method: nothing"), ("nobody", "x", "service_not_found")):
            self.assertEqual(kernel.request(service, name)["error"], error)
        self.assertEqual(kernel.sent("log", level="error"), [])
        self.assertIn("bad luck", kernel.request("echo", "fail")["error"])
        self.assertIn("bad luck", kernel.expect("log", level="error")["msg"])
        self.assertTrue(kernel.request("echo", "odd")["error"].startswith("bad result: "))
        self.assertIn("exceeds the line limit of 1048576", kernel.request("echo", "big")["error"])

    def test_cancel_is_answered_at_once_and_the_handler_sees_it(self) -> None:
        kernel = self.ready()
        call_id = kernel.ask("work", "hold")
        kernel.expect("log", msg="holding")
        kernel.send("cancel", id=call_id)
        self.assertEqual(kernel.expect("rpc_response", id=call_id)["error"], "cancelled")
        kernel.expect("log", msg="noticed", data={"cancelled": True})
        kernel.request("echo", "same", 1)
        self.assertEqual(len(kernel.sent("rpc_response", id=call_id)), 1)

    def test_cancel_of_a_call_that_is_over_says_nothing(self) -> None:
        kernel = self.ready()
        kernel.request("echo", "same", 1, id="over")
        kernel.send("cancel", id="over")
        kernel.request("echo", "same", 1)
        self.assertEqual(len(kernel.sent("rpc_response", id="over")), 1)

    def test_progress_goes_to_the_caller(self) -> None:
        kernel = self.ready()
        call_id = kernel.ask("work", "report")
        self.assertEqual(kernel.expect("rpc_response", id=call_id)["result"], "done")
        self.assertEqual(kernel.sent("progress"), [
            {"type": "progress", "id": call_id, "fraction": 0.5, "msg": "half"},
            {"type": "progress", "id": call_id, "msg": "nearly"}])

    def test_a_handler_sees_its_deadline(self) -> None:
        kernel = self.ready()
        self.assertIsNone(kernel.request("work", "left")["result"])
        left = kernel.request("work", "left", deadline_ms=60_000)["result"]
        self.assertTrue(0 < left <= 60_000, left)
        kernel.ask("work", "hold", deadline_ms=20)
        kernel.expect("log", msg="noticed", data={"cancelled": True})

    def test_a_call_whose_deadline_has_passed_is_not_begun(self) -> None:
        self.assertEqual(self.ready().request("work", "left", deadline_ms=0)["error"], "deadline_exceeded")

    def test_a_result_is_streamed_within_the_credit(self) -> None:
        kernel = self.ready()
        for method in ("count", "emit"):
            call_id = kernel.ask("work", method, {"to": 20})
            kernel.expect("chunk", id=call_id, seq=WINDOW - 1)
            kernel.request("echo", "same", 1)
            self.assertEqual(len(kernel.sent("chunk", id=call_id)), WINDOW, "no more than the window without credit")
            kernel.send("credit", id=call_id, n=100)
            answer = kernel.expect("rpc_response", id=call_id)
            self.assertEqual(answer, {"type": "rpc_response", "id": call_id, "result": "counted"})
            pieces = [(frame["seq"], frame["data"]) for frame in kernel.sent("chunk", id=call_id)]
            self.assertEqual(pieces, [(n, n) for n in range(20)])
            order = [frame["type"] for frame in kernel.frames if frame.get("id") == call_id]
            self.assertEqual(order[-2:], ["end", "rpc_response"])

    def test_cancel_ends_a_stream_that_waits_for_credit(self) -> None:
        kernel = self.ready()
        call_id = kernel.ask("work", "count", {"to": 1000})
        kernel.expect("chunk", id=call_id, seq=WINDOW - 1)
        kernel.send("cancel", id=call_id)
        self.assertEqual(kernel.expect("rpc_response", id=call_id)["error"], "cancelled")
        kernel.send("credit", id=call_id, n=10)
        kernel.request("echo", "same", 1)
        self.assertEqual(kernel.sent("end", id=call_id), [])
        self.assertEqual(len(kernel.sent("chunk", id=call_id)), WINDOW)

    def test_a_call_of_the_kernel_is_answered(self) -> None:
        kernel = self.ready()
        kernel.send("call", id="k", method="kernel.asks", params=3)
        self.assertEqual(kernel.expect("call:response", id="k"),
                         {"type": "call:response", "id": "k", "result": ["answer", 3]})
        kernel.send("call", id="l", method="x")
        self.assertEqual(kernel.expect("call:response", id="l")["error"], "Unknown method: x")

    # Calls.

    def test_a_call_goes_out_and_its_result_comes_back(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel, given=[1])
        self.assertEqual(frame, {"type": "rpc_request", "id": frame["id"], "service": "other", "method": "thing",
                                 "params": [1]})
        kernel.send("rpc_response", id=frame["id"], result={"x": 1})
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], {"x": 1})
        kernel.send("rpc_response", id=frame["id"], result="again")  # A second answer is nobody's.
        outer, frame = self.relay(kernel)
        kernel.send("rpc_response", id=frame["id"])
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], None)

    def test_errors_come_back_as_errors_of_their_kind(self) -> None:
        kernel = self.ready()
        for error, kind in (("forbidden", "CallError"), ("service_not_found", "CallError"), ("timeout", "TimedOut"),
                            ("cancelled", "Cancelled")):
            outer, frame = self.relay(kernel)
            kernel.send("rpc_response", id=frame["id"], error=error)
            self.assertEqual(kernel.expect("rpc_response", id=outer)["result"],
                             {"kind": kind, "error": error, "text": f"other.thing: {error}"})

    def test_a_timeout_is_sent_along_and_then_cancels(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel, timeoutMs=50)
        self.assertEqual(frame["deadline_ms"], 50)
        kernel.expect("cancel", id=frame["id"])
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"]["kind"], "TimedOut")
        kernel.send("rpc_response", id=frame["id"], result="late")
        self.assertEqual(kernel.request("echo", "same", 1)["result"], 1)

    def test_a_cancelled_handler_cancels_what_it_called(self) -> None:
        kernel = self.ready()
        outer = kernel.ask("relay", "pass")
        frame = kernel.expect("rpc_request")
        kernel.send("cancel", id=outer)
        self.assertEqual(kernel.expect("rpc_response", id=outer)["error"], "cancelled")
        kernel.expect("cancel", id=frame["id"])

    def test_trace_and_deadline_are_handed_on(self) -> None:
        kernel = self.ready()
        kernel.ask("relay", "call", {"service": "s", "method": "m"}, traceparent=TRACE, deadline_ms=30_000)
        frame = kernel.expect("rpc_request")
        version, trace, span, flags = frame["traceparent"].split("-")
        self.assertEqual((version, trace, flags), ("00", TRACE.split("-")[1], "01"))
        self.assertNotEqual(span, TRACE.split("-")[2])
        self.assertEqual(len(bytes.fromhex(span)), 8)
        self.assertTrue(0 < frame["deadline_ms"] <= 30_000)
        kernel.send("deliver", id="d", topic="news", payload="relay", traceparent=TRACE)
        self.assertIn(trace, kernel.expect("publish")["traceparent"])

    def test_progress_of_the_other_side_is_reported(self) -> None:
        kernel = self.ready()
        _, frame = self.relay(kernel)
        kernel.send("progress", id=frame["id"], fraction=0.25, msg="quarter")
        kernel.expect("log", msg="progress", data=[0.25, "quarter"])

    def test_a_stream_is_read_and_credit_is_granted(self) -> None:
        kernel = self.ready()
        outer = kernel.ask("relay", "stream", {})
        frame = kernel.expect("rpc_request")
        for seq in range(10):
            kernel.send("chunk", id=frame["id"], seq=seq, data=seq)
        self.assertEqual(kernel.expect("credit"), {"type": "credit", "id": frame["id"], "n": WINDOW // 2})
        kernel.send("end", id=frame["id"])
        kernel.send("rpc_response", id=frame["id"], result="sum")
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], [list(range(10)), "sum"])

    def test_leaving_a_stream_cancels_it(self) -> None:
        kernel = self.ready()
        outer = kernel.ask("relay", "stream", {"stopAt": 1})
        frame = kernel.expect("rpc_request")
        kernel.send("chunk", id=frame["id"], seq=0, data="a")
        kernel.expect("cancel", id=frame["id"])
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], ["a"])

    def test_a_stream_that_fails_raises_after_its_pieces(self) -> None:
        kernel = self.ready()
        outer = kernel.ask("relay", "stream", {})
        frame = kernel.expect("rpc_request")
        kernel.send("chunk", id=frame["id"], seq=0, data="a")
        kernel.send("rpc_response", id=frame["id"], error="Module other stopped while processing RPC")
        self.assertEqual(kernel.expect("rpc_response", id=outer)["error"],
                         "other.pieces: Module other stopped while processing RPC")

    def test_a_sender_that_ignores_the_credit_ends_the_stream(self) -> None:
        kernel = self.ready()
        outer = kernel.ask("relay", "stream", {})
        frame = kernel.expect("rpc_request")
        line = "".join(json.dumps({"type": "chunk", "id": frame["id"], "seq": n, "data": n}) + "\n" for n in range(5000))
        kernel.send_raw(line.encode())
        kernel.send("rpc_response", id=frame["id"], result=None)
        answer = kernel.expect("rpc_response", id=outer)
        if "error" in answer:  # A reader that keeps up with the flood loses nothing.
            self.assertEqual(answer["error"], "other.pieces: stream overrun")
        else:
            self.assertEqual(answer["result"], [list(range(5000)), None])

    def test_chunks_of_a_plain_call_are_credited_and_left_out(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel)
        kernel.send("chunk", id=frame["id"], seq=0, data="a")
        self.assertEqual(kernel.expect("credit")["n"], 1)
        kernel.send("rpc_response", id=frame["id"], result=1)
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], 1)

    def test_a_name_over_256_units_is_refused_here(self) -> None:
        kernel = self.ready()
        for topic, error in (("t" * 256, ""), ("t" * 257, "topic exceeds 256 chars (257)"),
                             ("\U0001f600" * 129, "topic exceeds 256 chars (258)")):
            self.assertIn(error, kernel.request("out", "publish", {"topic": topic}).get("error", ""))
        self.assertEqual(kernel.sent("publish"), [{"type": "publish", "topic": "t" * 256, "payload": {"n": 1}}])

    def test_the_kernel_api_is_called_by_call_frames(self) -> None:
        kernel = self.ready()
        outer = kernel.ask("relay", "kernel", {"method": "config.get", "given": {"key": "a.b"}})
        frame = kernel.expect("call")
        self.assertEqual(frame, {"type": "call", "id": frame["id"], "method": "config.get", "params": {"key": "a.b"}})
        kernel.send("rpc_response", id=frame["id"], result="wrong kind")
        kernel.send("call:response", id=frame["id"], result=5)
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], 5)
        outer = kernel.ask("relay", "kernel", {"method": "x"})
        kernel.send("call:response", id=kernel.expect("call")["id"], error="Unknown kernel method: x")
        self.assertEqual(kernel.expect("rpc_response", id=outer)["error"], "x: Unknown kernel method: x")

    # Talk.

    def test_deliveries_come_in_order_and_are_acknowledged(self) -> None:
        kernel = self.ready()
        for n in range(50):
            kernel.send("deliver", id=f"d{n}", topic="news", payload=n)
        kernel.expect("ack", id="d49")
        self.assertEqual([frame["data"] for frame in kernel.sent("log", msg="news")], list(range(50)))
        self.assertEqual([frame["id"] for frame in kernel.sent("ack")], [f"d{n}" for n in range(50)])

    def test_a_failing_topic_handler_is_a_nack(self) -> None:
        kernel = self.ready()
        kernel.send("deliver", id="d", topic="news", payload="fail")
        self.assertIn("cannot", kernel.expect("nack", id="d")["error"])

    def test_everything_printed_becomes_a_log_line(self) -> None:
        kernel = self.ready()
        self.assertEqual(kernel.garbage, [b"printed before run\n"], "an unfinished line must not swallow a frame")
        self.assertIsNone(kernel.request("out", "prints")["result"])
        self.assertEqual(kernel.stop(), 0)
        printed = [frame["msg"] for frame in kernel.sent("log", data={"source": "stdout"})]
        self.assertEqual(printed[:2], ["from the language", "from the stream"])
        self.assertEqual(sum(map(len, printed[2:-1])), 20_000)
        self.assertEqual(printed[-1], "no newline, sent at the end")
        self.assertEqual(len(kernel.garbage), 1)

    def test_prints_of_children_and_libraries_never_reach_the_kernels_pipe(self) -> None:
        if self.language == "deno":
            self.skipTest("without a permission Deno starts no child and writes to no descriptor")
        kernel = self.ready()
        kernel.request("out", "children")
        self.assertEqual(kernel.stop(), 0)
        heard = kernel.stderr + str(kernel.sent("log"))
        for text in ("from a child", "from a library"):
            self.assertIn(text, heard)
        self.assertEqual(len(kernel.garbage), 1)

    def test_logs_have_level_data_items_and_topic(self) -> None:
        kernel = self.ready()
        kernel.request("out", "logs")
        logs = [frame for frame in kernel.frames if frame["type"].startswith("log") and
                not frame["msg"].startswith("hook")]
        self.assertEqual(logs[:4], [
            {"type": "log", "level": "info", "msg": "plain"},
            {"type": "log", "level": "warn", "msg": "careful", "data": {"n": 1}},
            {"type": "log-group", "level": "error", "msg": "tree", "items": [{"msg": "leaf", "data": 2}]},
            {"type": "log", "level": "info", "msg": "topical", "topic": "t"}])
        self.assertTrue(logs[4]["msg"].startswith("(not shown: "), logs[4])
        self.assertEqual(len(logs), 5)

    def test_config_is_the_own_section_and_follows_updates(self) -> None:
        kernel = self.ready(config={"everything": {"a": {"b": 1}, "list": [1]}})
        for key, value in (("a.b", 1), ("a", {"b": 1}), ("a.c", "none"), ("list.0", "none"), ("x", "none"),
                           ("toString", "none"), ("__proto__", "none")):
            self.assertEqual(kernel.request("config", "read", {"key": key})["result"], value)
        kernel.send("config:update", config={"everything": {"a": 2}}, changedSections=["everything"])
        kernel.expect("log", msg="hook config", data={"a": 2})
        self.assertEqual(kernel.request("config", "read")["result"], {"a": 2})


class Vault:
    """The verbs that the Python SDK does not have yet."""

    def test_secrets_and_context_are_calls_of_the_kernel(self) -> None:
        kernel = self.ready()
        outer = kernel.ask("relay", "secret", {"name": "token"})
        frame = kernel.expect("call")
        self.assertEqual((frame["method"], frame["params"]), ("secret.get", {"name": "token"}))
        kernel.send("call:response", id=frame["id"], result="s3")
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], "s3")
        outer = kernel.ask("relay", "context", {"key": "k", "value": 1})
        frame = kernel.expect("call")
        self.assertEqual((frame["method"], frame["params"]), ("context.set", {"key": "k", "value": 1}))
        kernel.send("call:response", id=frame["id"])
        frame = kernel.expect("call")
        self.assertEqual((frame["method"], frame["params"]), ("context.get", {"key": "k"}))
        kernel.send("call:response", id=frame["id"], result=1)
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], 1)


class Node(Door, Vault, unittest.TestCase):
    language = "node"


class Node18(Door, Vault, unittest.TestCase):
    language = "node18"


class Deno(Door, Vault, unittest.TestCase):
    language = "deno"


class Bun(Door, Vault, unittest.TestCase):
    language = "bun"


class Go(Door, Vault, unittest.TestCase):
    language = "go"


class Python(Door, unittest.TestCase):
    language = "python"


class ShellDoor:
    """What the helper for sh keeps: everything one after another, nothing of part B but the state."""

    language = "dash"
    shell: tuple[str, ...] = ()
    command: list[str]
    module, ready, relay = Door.module, Door.ready, Door.relay

    @classmethod
    def setUpClass(cls) -> None:
        if shutil.which(cls.shell[0]) is None:
            raise unittest.SkipTest(f"{cls.shell[0]} is not on the PATH")
        cls.command = [*cls.shell, os.path.join(HERE, "everything.sh")]

    def test_ready_tells_what_the_code_offers(self) -> None:
        ready = self.module().start()
        self.assertEqual(ready["manifest"]["provides"], ["config", "echo", "out", "relay"])
        self.assertEqual(ready["manifest"]["subscribes"], ["news"])

    def test_sigterm_is_a_shutdown(self) -> None:
        kernel = self.ready()
        # A shell does not see a signal that comes in the instant before it waits for a line until something else ends
        # that wait: the next signal does.
        for _ in range(20):
            kernel.process.terminate()
            try:
                kernel.process.wait(1)
                break
            except subprocess.TimeoutExpired:
                pass
        self.assertEqual(kernel.wait(), 0)
        self.assertEqual(len(kernel.sent("log", msg="hook shutdown")), 1)

    def test_a_failed_init_is_a_nack_and_an_exit(self) -> None:
        kernel = self.module()
        kernel.send_raw(b'{"type":"init","protocolVersion":"1.0","config":{"m":{"fail":true}},"workspacePath":"/",'
                        b'"projectRoot":"/"}\n')
        self.assertEqual(kernel.expect("nack"), {"type": "nack", "id": "init", "error": "on_init failed"})
        self.assertEqual(kernel.wait(), 1)

    def test_every_failure_is_an_answer(self) -> None:
        kernel = self.ready()
        for service, name, error in (("echo", "refuse", "not today"), ("echo", "fail", "bad luck"),
                                     ("echo", "nothing", "Unknown method: nothing"), ("nobody", "x", "service_not_found"),
                                     ("echo", "odd", "bad result: not JSON"),
                                     ("echo", "big", "bad result: exceeds the line limit of 1048576"),
                                     ("echo", 'a"b\\', 'Unknown method: a"b\\')):
            self.assertEqual(kernel.request(service, name)["error"], error)

    def test_json_of_any_shape_goes_through(self) -> None:
        kernel = self.ready()
        for params in ({"a": {"params": '","x":1}'}}, [1, [2, {"id": "y"}]], "żółw 🦀 \"'\\\\ $HOME `id` %s * \n\t", 1.5, False):
            self.assertEqual(kernel.request("echo", "same", params)["result"], params)
        self.assertEqual(kernel.request("echo", "pretty")["result"], {"a": 1})
        for text in ("", "plain", 'a"b\\c\\\\', "tab\tline\nend", "żółw 🦀", "$(id) `id` %d", " blanks "):
            self.assertEqual(kernel.request("echo", "quoted", {"x": [{"text": 1}], "text": text})["result"], text)

    def test_every_message_of_the_kernel_in_the_vectors_is_survived(self) -> None:
        with open(os.path.join(ROOT, "conformance", "vectors", "codec-to-module.jsonl"), encoding="utf-8") as file:
            lines = [json.loads(line)["expect"] for line in file if line.strip()]
        kernel = self.ready()
        frames = [json.loads(line) for line in lines]
        for line, frame in zip(lines, frames):
            if frame["type"] != "shutdown":
                kernel.send_raw(line.encode() + b"\n")
        kernel.request("echo", "same", "last", id="last")
        answers = {"rpc_request": "rpc_response", "call": "call:response", "deliver": "ack", "state:save": "state:saved"}
        for frame in frames:
            if frame["type"] in answers:
                kernel.expect(answers[frame["type"]], id=frame["id"])

    def test_a_failing_topic_handler_is_a_nack(self) -> None:
        kernel = self.ready()
        kernel.send("deliver", id="d", topic="news", payload="fail")
        self.assertEqual(kernel.expect("nack", id="d")["error"], "news failed")

    def test_an_error_of_a_call_is_its_text(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel)
        kernel.send_raw(b'{"type":"rpc_response","id":"%s","error":"no \\"such\\" thing"}\n' % frame["id"].encode())
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], {"error": 'no "such" thing'})

    def test_the_kernel_is_asked_and_an_error_is_its_text(self) -> None:
        kernel = self.ready()
        outer = kernel.ask("relay", "kernel", {"method": "config.get", "given": {"key": "a.b"}})
        frame = kernel.expect("call")
        self.assertEqual((frame["method"], frame["params"]), ("config.get", {"key": "a.b"}))
        kernel.send("call:response", id=frame["id"], result=5)
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], 5)
        outer = kernel.ask("relay", "secret", {"name": "token"})
        frame = kernel.expect("call", method="secret.get", params={"name": "token"})
        kernel.send("call:response", id=frame["id"], error="forbidden")
        self.assertEqual(kernel.expect("rpc_response", id=outer)["error"], "forbidden")
        outer = kernel.ask("relay", "context", {"key": "k", "value": 1})
        kernel.send("call:response", id=kernel.expect("call", method="context.set", params={"key": "k", "value": 1})["id"])
        frame = kernel.expect("call", method="context.get", params={"key": "k"})
        kernel.send("call:response", id=frame["id"], result=1)
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], 1)

    def test_state_is_saved_and_restored(self) -> None:
        kernel = self.ready()
        kernel.send("state:save", id="a")
        self.assertEqual(kernel.expect("state:saved"), {"type": "state:saved", "id": "a", "state": {"kept": 1},
                                                        "version": "0"})
        kernel.send("state:restore", id="b", state={"kept": 2}, version="1")
        kernel.expect("state:restored", id="b")
        kernel.expect("log", msg="hook restore", data={"kept": 2})
        kernel.send("state:restore", id="c", state=None, version="bad")
        self.assertEqual(kernel.expect("nack", id="c")["error"], "restore_state failed")

    def test_config_is_the_own_section_and_follows_updates(self) -> None:
        kernel = self.ready(config={"everything": {"a": {"b": "ż"}, "list": [1]}})
        for key, value in (("a.b", "ż"), ("a", '{"b": "\\u017c"}'), ("list.0", "1"), ("a.c", "none"), ("x", "none")):
            self.assertEqual(kernel.request("config", "read", {"key": key})["result"], value)
        kernel.send("config:update", config={"everything": {"a": 2}}, changedSections=["everything"])
        kernel.expect("log", msg="hook config", data={"a": 2})
        self.assertEqual(kernel.request("config", "read")["result"], {"a": 2})

    def test_what_comes_during_a_call_is_dealt_with(self) -> None:
        kernel = self.ready()
        outer, frame = self.relay(kernel)
        kernel.send("ping")
        kernel.expect("pong")
        self.assertEqual(kernel.request("echo", "same", 2)["result"], 2)
        kernel.send("rpc_response", id=frame["id"], result=[1])
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], [1])

    def test_a_shutdown_during_a_call_ends_both(self) -> None:
        kernel = self.ready()
        outer, _ = self.relay(kernel)
        self.assertEqual(kernel.stop(), 0)
        self.assertEqual(kernel.expect("rpc_response", id=outer)["result"], {"error": "shutting down"})
        self.assertEqual(len(kernel.sent("log", msg="hook shutdown")), 1)


for kept in ("test_first_spawn_runs_install_then_init_then_ready_hooks", "test_shutdown_runs_the_hook_and_exits_0",
             "test_end_of_stdin_before_init_exits_0",
             "test_service_available_reaches_its_hook", "test_on_a_terminal_it_says_what_it_is_and_exits_64",
             "test_prints_of_children_and_libraries_never_reach_the_kernels_pipe",
             "test_deliveries_come_in_order_and_are_acknowledged",
             "test_a_closed_stdout_does_not_hang"):
    setattr(ShellDoor, kept, getattr(Door, kept))


class Dash(ShellDoor, unittest.TestCase):
    shell = ("dash",)


class Bash(ShellDoor, unittest.TestCase):
    shell = ("bash",)


class Busybox(ShellDoor, unittest.TestCase):
    shell = ("busybox", "sh")


if __name__ == "__main__":
    unittest.main()
