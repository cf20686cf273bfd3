"""Write a module for the Ostoja kernel in Python. One file, standard library only, Python 3.9 or newer.

    from ostoja import call, config, log, on, publish, run, service

    @service("greeter", "hello")
    def hello(name="world"):
        return f"hello {name}"

    run()

The kernel starts the file as a child process and speaks JSON lines over its stdin and stdout. `run` takes both away
first, so that a stray `print`, here or in a C library, becomes a log line instead of a broken message.

Which thread does what, so that a module can tell what may block what:
  reader     answers pings and hands everything else on; methods that have always been quick it runs itself, and another
             thread reads on when one of them takes longer than `PATIENCE_S` or waits for an answer;
  life       your hooks, one after another, in the order in which the kernel asked;
  topics     your `on` handlers, one after another, so that messages of one sender stay in order;
  calls      `WORKERS` threads for service methods; a full queue answers `overloaded`;
  ready      a thread for each `ready` hook, which may loop for ever;
  loop       one asyncio loop, started at the first `async def` handler.
"""
from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextvars
import inspect
import itertools
import json
import logging
import os
import queue
import select
import signal
import sys
import threading
import time
import traceback
from typing import Any, Callable, Iterator, Optional

__version__ = "0.0.0"
__all__ = ["Call", "CallError", "Cancelled", "Failure", "LogHandler", "Message", "Module", "OstojaError", "Stream",
           "TimedOut", "acall", "akernel", "asecret", "astream", "call", "config", "context_delete", "context_get",
           "context_list", "context_set", "context_unwatch", "context_watch", "current", "emit", "hook", "kernel",
           "log", "method", "module", "on", "progress", "publish", "run", "secret", "service", "stream"]

PROTOCOL_VERSION = "1.0"
PATIENCE_S = 0.002  # seconds: a method that the reader runs itself holds up what comes behind it for no longer
QUICK_RUNS = 16  # runs in a row shorter than half of that, before the reader runs a method itself
WATCH_IDLE_S = 0.05  # seconds without such a method until the thread that watches over them sleeps: idle costs nothing
WORKERS = 8  # threads: enough for handlers that wait on other services, few enough to stay cheap when idle
CALLS_QUEUED_MAX = 1024  # calls: the kernel's own bound of unanswered calls; past it the answer is `overloaded`
DELIVERIES_QUEUED_MAX = 4096  # messages: a slow `on` handler loses the newest, counted in the log
STREAM_WINDOW = 16  # chunks: what may be sent before the reader of a stream grants more, so that memory stays bounded
CREDIT_WAIT_S = 30.0  # seconds: a stream whose reader grants nothing for this long is given up
CALL_WAIT_S = 3600.0  # seconds: the kernel answers every call long before; this ends a wait on a broken kernel
DRAIN_S = 4.0  # seconds for running handlers and the shutdown hooks, inside the kernel's default grace of 5 s
EXIT_S = 1.0  # seconds for atexit and the user's own threads before the process ends itself
LINE_BYTES_MAX = 1 << 20  # bytes: the kernel drops longer lines, so they are refused here, where the cause is known
INBOUND_BYTES_MAX = 16 << 20  # bytes: a longer line from the kernel is dropped; bounds memory on a broken pipe
PRINT_LINE_BYTES_MAX = 8192  # bytes: a longer printed line becomes several log lines
NAME_UNITS_MAX = 256  # UTF-16 units: the contract's bound for ids, services, methods and topics
LANE_FRAME_BYTES_MAX = 2 << 20  # bytes: the kernel's own bound for a frame that comes through shared memory
ROOM_WAIT_S = 0.001  # seconds between two looks for room in a lane that the kernel has not read yet
EXIT_MISUSE = 64  # EX_USAGE: started by hand
LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
NAME_FIELDS = ("type", "id", "topic", "service", "method", "from")  # Always strings on the module door.
HOOKS = ("install", "init", "ready", "service_available", "config", "save", "restore", "shutdown")


class OstojaError(Exception):
    """The base of everything this file raises on purpose."""


class Failure(OstojaError):
    """Raise it in a handler: its text is the error the caller gets, without traceback in the log."""


class CallError(OstojaError):
    """A call was answered with an error; `error` is the text, such as `service_not_found` or `forbidden`."""

    def __init__(self, error: str, target: str = "") -> None:
        super().__init__(f"{target}: {error}" if target else error)
        self.error = error


class Cancelled(CallError):
    """The call was given up, by this side or by the other."""


class TimedOut(CallError):
    """No answer within the time given."""


def _call_error(error: str, target: str) -> CallError:
    kind = {"cancelled": Cancelled, "timeout": TimedOut, "deadline_exceeded": TimedOut}.get(error, CallError)
    return kind(error, target)


def _name(value: Any, what: str) -> str:
    """Checks a name where it is given: the kernel would only drop the message."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string, not {type(value).__name__}")
    units = len(value.encode("utf-16-le", "surrogatepass")) // 2
    if units > NAME_UNITS_MAX:
        raise ValueError(f"{what} exceeds {NAME_UNITS_MAX} chars ({units})")
    return value


# --- The door: two pipes, and what used to be stdout -----------------------------------------------------------------


class _Door:
    """Owns the pipes to the kernel. Frames go out whole or not at all; anything printed goes out as `log` frames."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._in = os.dup(0)
        self._out = os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)  # `input()` and child processes must not eat messages.
        os.close(null)
        self._printed, write_end = os.pipe()
        os.dup2(write_end, 1)
        os.close(write_end)
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
        self._lock = threading.Lock()
        self._lane: Optional[_SharedLane] = None
        self._lane_reads = False
        self._is_deaf = False  # The kernel has closed its pipe: nobody need make room for us.
        self.gone = False
        # Ends a line that was printed without newline before we came; the kernel skips blank lines.
        self._write(b"\n")
        self._pump = threading.Thread(target=self._pump_prints, name="ostoja-prints", daemon=True)
        self._pump.start()

    def send(self, frame: dict[str, Any]) -> None:
        """Writes one frame. Raises ValueError when it is no JSON or longer than the kernel takes."""
        line = _to_line(frame)
        with self._lock:
            if self._lane is None:
                self._write_all(line + b"\n")
                return
            try:
                self._lane.send(line, lambda: self.gone or self._is_deaf, self._ring)
            except _LaneFault:
                self.gone = True  # The kernel can't be understood, and will end us.

    def send_ready(self, frame: dict[str, Any], lane: Optional[_SharedLane]) -> None:
        """Sends `ready`, the last frame that goes by the pipe when there is a lane."""
        if lane is None:
            self.send(frame)
            return
        line = _to_line({**frame, "transport": "shm"})
        with self._lock:
            self._write_all(line + b"\n")
            self._lane = lane

    def read_lane(self) -> None:
        """The kernel has written its last line to the pipe. Called by the reader thread."""
        # The kernel may answer faster than `send_ready` comes back from its write.
        with self._lock:
            self._lane_reads = self._lane is not None

    def _ring(self) -> None:
        """Wakes a kernel that sleeps on its end of the pipe. The caller holds the lock."""
        self._write_all(b"\n")

    def _write(self, data: bytes) -> None:
        with self._lock:
            self._write_all(data)

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self.gone:
            try:
                view = view[os.write(self._out, view):]
            except BlockingIOError:
                select.select([], [self._out], [])
            except OSError:
                self.gone = True  # The reader sees the end of stdin and stops the module.

    def lines(self) -> Iterator[bytes]:
        """Every line from the kernel until it closes the pipe; a line over the limit is left out."""
        for line in _split_lines(self._in, INBOUND_BYTES_MAX, keep_pieces=False):
            yield line
            if self._lane_reads:
                yield from self._lane_lines()
                break
        self._is_deaf = True

    def _lane_lines(self) -> Iterator[bytes]:
        """Every frame of the lane until the pipe ends, on which this thread sleeps when there is nothing."""
        lane = self._lane
        assert lane is not None
        is_open = True
        while is_open:
            try:
                frames, wake = lane.receive()
            except _LaneFault:
                return  # As when the kernel is gone: there is nobody who can be understood.
            if wake:
                with self._lock:
                    self._ring()
            yield from frames
            if not frames and lane.doze():
                # What comes are line breaks that wake us: all that says something comes by the lane.
                is_open = bool(_read_some(self._in))
        try:
            yield from lane.receive()[0]  # What the kernel said before it closed the pipe still counts.
        except _LaneFault:
            return

    def _pump_prints(self) -> None:
        for line in _split_lines(self._printed, PRINT_LINE_BYTES_MAX, keep_pieces=True):
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self.send({"type": "log", "level": "info", "msg": text, "data": {"source": "stdout"}})

    def close(self) -> None:
        """Sends what was printed last, then lets go of fd 1."""
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            pass  # The user closed it.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
        self._pump.join(0.5)  # A child process may hold the pipe for longer than we live.


# Made once, since making one costs more than using it.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _to_line(frame: dict[str, Any]) -> bytes:
    """One frame as JSON. Raises ValueError when it is none or longer than the kernel takes."""
    line = _ENCODER.encode(frame).encode("utf-8", "replace")
    if len(line) > LINE_BYTES_MAX:
        raise ValueError(f"{frame.get('type')} of {len(line)} bytes exceeds the line limit of {LINE_BYTES_MAX}")
    return line


def _read_some(fd: int) -> bytes:
    """What is there, as soon as there is something; nothing at the end."""
    while True:
        try:
            return os.read(fd, 1 << 16)
        except BlockingIOError:
            select.select([fd], [], [])
        except OSError:
            return b""


def _split_lines(fd: int, bytes_max: int, *, keep_pieces: bool) -> Iterator[bytes]:
    """Cuts a pipe into lines. A longer line is cut in pieces (`keep_pieces`) or dropped up to its newline."""
    held = bytearray()
    dropping = False
    while True:
        data = _read_some(fd)
        if not data:
            break
        *whole, rest = data.split(b"\n")
        for piece in whole:
            held += piece
            if not dropping and len(held) <= bytes_max:
                yield bytes(held)
            elif keep_pieces:
                yield from (bytes(held[at:at + bytes_max]) for at in range(0, len(held), bytes_max))
            held.clear()
            dropping = False
        held += rest
        if len(held) > bytes_max:
            if keep_pieces:
                yield bytes(held)
            else:
                dropping = True
            held.clear()
    if held and not dropping:
        yield bytes(held)


# --- The lane: frames through shared memory, for modules whose module.json says "transport": "shm" -------------------

_WORDS = 1 << 32  # Positions count bytes and begin again here.
_HEADER_BYTES = 4096
_MORE = 1  # The frame goes on in the next record.
_ON_PIPE = 2  # We sleep until there is a line break on our pipe.
_READ, _WRITE = 32, 160  # Words: where the lines of our two rings begin; tail, head, reader's flag and writer's flag.
_TAIL, _HEAD, _READER, _WRITER = 0, 32, 64, 96  # Words: a line is 128 bytes.


class _LaneFault(Exception):
    """The other side does not keep to the lane's rules."""


class _SharedLane:
    """One writer and one reader of layout 1, as docs/reference/shm-transport.md tells it.

    Words are read and written whole, since memoryview does so for aligned native items; x86-64 keeps their order, but for
    a write that is followed by a read of another word: there a lock is taken, which is a fence on that machine.
    """

    def __init__(self, fd: int, ring_bytes: int) -> None:
        import fcntl
        import mmap
        if ring_bytes & (ring_bytes - 1) or not 4096 <= ring_bytes <= 16 << 20:
            raise ValueError("no length of a ring")
        if not fcntl.fcntl(fd, getattr(fcntl, "F_GET_SEALS", 1034)) & 2:  # F_SEAL_SHRINK
            raise ValueError("not sealed")
        if os.fstat(fd).st_size != _HEADER_BYTES + 2 * ring_bytes:
            raise ValueError("another length than was said")
        self._bytes = memoryview(mmap.mmap(fd, _HEADER_BYTES + 2 * ring_bytes))
        self._words = self._bytes.cast("I")
        if bytes(self._bytes[:8]) != b"OSTOLANE" or self._words[2] != 1 or self._words[3] != ring_bytes:
            raise ValueError("no lane of layout 1")
        os.set_inheritable(fd, False)
        self._ring_bytes = ring_bytes
        self._head = self._tail = 0
        self._begun = b""
        self._order = threading.Lock()

    def _fence(self) -> None:
        with self._order:
            pass

    def _between(self, head: int, tail: int) -> int:
        used = (tail - head) % _WORDS
        if used > self._ring_bytes or used % 8:
            raise _LaneFault("a position that is not within the ring")
        return used

    def receive(self) -> tuple[list[bytes], bool]:
        """The frames that are there, and whether the kernel has to be woken, because it waits for room."""
        if self._words[_READ + _READER]:
            self._words[_READ + _READER] = 0
        used = self._between(self._head, self._words[_READ + _TAIL])
        if not used:
            return [], False
        frames = []
        while used:
            at = self._head % self._ring_bytes
            header = (_HEADER_BYTES + at) // 4
            length, flags = self._words[header], self._words[header + 1]
            record = 8 + (length + 7) // 8 * 8
            if not length or record > used or flags > _MORE or len(self._begun) + length > LANE_FRAME_BYTES_MAX:
                raise _LaneFault("a record that can't be")
            start = (at + 8) % self._ring_bytes
            first = min(length, self._ring_bytes - start)
            start += _HEADER_BYTES
            piece = bytes(self._bytes[start:start + first])
            if first < length:
                piece += bytes(self._bytes[_HEADER_BYTES:_HEADER_BYTES + length - first])
            self._begun += piece
            if not flags:
                frames.append(self._begun)
                self._begun = b""
            self._head = (self._head + record) % _WORDS
            used -= record
        self._words[_READ + _HEAD] = self._head
        return frames, self._claim(_READ + _WRITER)

    def doze(self) -> bool:
        """Says that we sleep on our pipe; whether there is nothing to read, so that we may."""
        self._words[_READ + _READER] = _ON_PIPE
        self._fence()
        return self._words[_READ + _TAIL] == self._head

    def send(self, frame: bytes, is_gone: Callable[[], bool], ring: Callable[[], None]) -> None:
        """Writes one frame; waits for room like a write to a full pipe does. One thread at a time."""
        piece_max = self._ring_bytes // 4 - 8
        for at in range(0, len(frame), piece_max):
            piece = frame[at:at + piece_max]
            record = 8 + (len(piece) + 7) // 8 * 8
            while self._between(self._words[_WRITE + _HEAD], self._tail) + record > self._ring_bytes:
                if is_gone():
                    return
                time.sleep(ROOM_WAIT_S)
            self._put(piece, _MORE if at + piece_max < len(frame) else 0)
            self._tail = (self._tail + record) % _WORDS
            self._words[_WRITE + _TAIL] = self._tail
            if self._claim(_WRITE + _READER):
                ring()

    def _put(self, piece: bytes, flags: int) -> None:
        base, at = _HEADER_BYTES + self._ring_bytes, self._tail % self._ring_bytes
        self._words[(base + at) // 4] = len(piece)
        self._words[(base + at) // 4 + 1] = flags
        start = (at + 8) % self._ring_bytes
        first = min(len(piece), self._ring_bytes - start)
        self._bytes[base + start:base + start + first] = piece[:first]
        self._bytes[base:base + len(piece) - first] = piece[first:]

    def _claim(self, flag: int) -> bool:
        """Takes the other side's flag, after we have moved a position; whether it sleeps and has to be woken."""
        self._fence()
        if not self._words[flag]:
            return False
        self._words[flag] = 0
        return True


def _offered_lane(offer: Any) -> Optional[_SharedLane]:
    """The lane that `init` offers, if it can be had here; without it everything stays on the pipes."""
    if not isinstance(offer, dict) or offer.get("kind") != "shm" or offer.get("layout") != 1:
        return None
    if os.uname().machine != "x86_64":
        return None
    try:
        return _SharedLane(int(offer["fd"]), int(offer["bytes"]))
    except (ImportError, KeyError, OSError, TypeError, ValueError, OverflowError):
        return None


# --- What runs where -------------------------------------------------------------------------------------------------


class _Lane:
    """Daemon threads that take jobs from one bounded queue; with one thread it keeps their order."""

    def __init__(self, name: str, threads: int, queued_max: int) -> None:
        self._jobs: queue.Queue[Callable[[], None]] = queue.Queue(queued_max)
        self._name, self._threads, self._started = name, threads, 0

    def put(self, job: Callable[[], None]) -> bool:
        """Takes the job, or says no when the queue is full. Called by the reader thread only."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        if self._started < self._threads and (self._started == 0 or not self._jobs.empty()):
            self._started += 1
            threading.Thread(target=self._work, name=f"ostoja-{self._name}-{self._started}", daemon=True).start()
        return True

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:  # A handler's error was answered already; this keeps the thread for the next job.
                traceback.print_exc()


class _Turns:
    """Whose turn it is to read. A call that goes to another thread and back costs more than most methods take, so the
    reader runs those itself that have always been quick. When one is not, another thread begins to read meanwhile, and
    the one that was held up ends with its method: no call waits for another for longer than `PATIENCE_S`, twice."""

    def __init__(self, read: Callable[[], None]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self.reader: Optional[threading.Thread] = None
        self._runs: dict[Callable[..., Any], int] = {}  # Quick runs in a row, of each method.
        self._served: Optional[tuple[Call, Callable[..., Any]]] = None  # What the reader runs at the moment.
        self._wake = threading.Event()
        self._watches = self._is_asleep = False

    def begin(self) -> None:
        """Lets another thread read from now on."""
        self.reader = threading.Thread(target=self._read, name="ostoja-reader", daemon=True)
        self.reader.start()

    def is_quick(self, handler: Callable[..., Any]) -> bool:
        """Whether the reader may run it."""
        return self._runs.get(handler, 0) >= QUICK_RUNS

    def judge(self, handler: Callable[..., Any], call: Call, took_s: float) -> None:
        """Remembers how long a method took; waiting for others is never quick."""
        is_quick = took_s < PATIENCE_S / 2 and not call._waited
        self._runs[handler] = min(self._runs.get(handler, 0) + 1, QUICK_RUNS) if is_quick else 0

    def serve(self, call: Call, act: Callable[[Call, Callable[..., Any]], None], handler: Callable[..., Any]) -> None:
        """Runs a method on the reader's thread."""
        served = self._served = (call, handler)
        if not self._watches:
            self._watches = True
            threading.Thread(target=self._watch, name="ostoja-watch", daemon=True).start()
        elif self._is_asleep:
            self._wake.set()
        act(call, handler)
        with self._lock:
            if self._served is served:
                self._served = None

    def hand_over(self, call: Call) -> None:
        """Another thread reads from now on, if it is the reader that runs this call."""
        with self._lock:
            if self._served is not None and self._served[0] is call:
                self._runs[self._served[1]] = 0  # Now, since the next reader may meet the same method before we are back.
                self._served = None
                self.begin()

    def _watch(self) -> None:
        seen, idle_s = None, 0.0
        while True:
            time.sleep(PATIENCE_S)
            served = self._served
            if served is not None and served is seen:
                self.hand_over(served[0])
            idle_s = 0.0 if served is not None else idle_s + PATIENCE_S
            seen = served
            if idle_s >= WATCH_IDLE_S:
                self._is_asleep = True
                if self._served is None:  # Looked at after it was said, so that neither side misses the other.
                    self._wake.wait()
                self._wake.clear()
                self._is_asleep = False


# What the code that runs now was asked with: lets nested calls hand on trace and deadline by themselves.
_current: contextvars.ContextVar[Optional[Message]] = contextvars.ContextVar("ostoja_current", default=None)


class Message:
    """Something that arrived: a delivery, or a `Call`. `traceparent` is its W3C trace context, if it has one."""

    def __init__(self, frame: dict[str, Any]) -> None:
        self.id: str = frame.get("id", "")
        self.topic: str = frame.get("topic", "")
        trace = frame.get("traceparent")
        self.traceparent: Optional[str] = trace if isinstance(trace, str) else None
        deadline = frame.get("deadline_ms")
        self._deadline: Optional[float] = None
        if isinstance(deadline, (int, float)) and not isinstance(deadline, bool):
            self._deadline = time.monotonic() + deadline / 1000

    def remaining(self) -> Optional[float]:
        """Seconds until the asker stops waiting, never below 0; None when it named no deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())


def _outgoing_context(remaining_s: Optional[float]) -> dict[str, Any]:
    """The trace and deadline fields of a frame that is sent from inside a handler, or with a time limit."""
    fields: dict[str, Any] = {}
    current = _current.get()
    if current is not None and current.traceparent:
        parts = current.traceparent.split("-")
        if len(parts) >= 4:
            parts[2] = os.urandom(8).hex()  # Each hop is a span of its own.
            fields["traceparent"] = "-".join(parts)
    inherited = current.remaining() if current is not None else None
    bounds = [bound for bound in (remaining_s, inherited) if bound is not None]
    if bounds:
        fields["deadline_ms"] = max(1, int(min(bounds) * 1000))  # On the wire: how long from now.
    return fields


class Call(Message):
    """One call of a service of this module. A handler gets it as the parameter named `call`, or by `current()`."""

    def __init__(self, owner: Module, frame: dict[str, Any]) -> None:
        super().__init__(frame)
        self.sender: str = frame.get("from", "")
        self.service: str = frame.get("service", "")
        self.method: str = frame.get("method", "")
        self.params: Any = frame.get("params")
        self._owner = owner
        self._lock = threading.Condition()
        self._answered = False
        self._cancelled = False
        self._waited = False  # Its handler waited for somebody else, so the reader should not run it.
        self._credit = STREAM_WINDOW
        self._seq = 0
        self._task: Optional[concurrent.futures.Future[None]] = None

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more: cancelled by the caller, or its deadline has passed."""
        return self._cancelled or self.remaining() == 0.0

    def check(self) -> None:
        """Raises `Cancelled` when nobody waits any more: put it into long loops."""
        if self.cancelled:
            raise Cancelled("cancelled")

    def wait_cancelled(self, timeout: float) -> bool:
        """Sleeps up to `timeout` seconds, and wakes at once when the call is cancelled."""
        remaining = self.remaining()
        self._owner._will_wait()
        with self._lock:
            self._lock.wait_for(lambda: self._cancelled, timeout if remaining is None else min(timeout, remaining))
        return self.cancelled

    def progress(self, fraction: Optional[float] = None, msg: Optional[str] = None) -> None:
        """Tells the caller how far the work is: `fraction` from 0 to 1, `msg` for people."""
        frame: dict[str, Any] = {"type": "progress", "id": self.id}
        if fraction is not None:
            frame["fraction"] = float(fraction)
        if msg is not None:
            frame["msg"] = str(msg)
        self._send(frame)

    def emit(self, data: Any) -> None:
        """Sends one piece of a streamed result; waits while the caller has not taken what was sent before."""
        if not self._take_credit(0):
            self.check()
            _refuse_on_loop("emit", "call.aemit")
            self._owner._will_wait()
            if not self._take_credit(CREDIT_WAIT_S):
                self.check()
                raise Failure("the caller does not read the stream")
        self._send_chunk(data)

    async def aemit(self, data: Any) -> None:
        """`emit` for `async def` handlers: waits without holding up the loop."""
        if self._take_credit(0):
            self._send_chunk(data)
        else:
            await asyncio.get_running_loop().run_in_executor(None, self.emit, data)

    def _take_credit(self, wait_s: float) -> bool:
        remaining = self.remaining()
        with self._lock:
            self._lock.wait_for(lambda: self._credit > 0 or self._cancelled,
                                wait_s if remaining is None else min(wait_s, remaining))
            if self._credit <= 0 or self._cancelled:
                return False
            self._credit -= 1
            return True

    def _send_chunk(self, data: Any) -> None:
        with self._lock:
            if not self._answered:
                self._owner._send({"type": "chunk", "id": self.id, "seq": self._seq, "data": data})
                self._seq += 1

    def _grant(self, count: int) -> None:
        with self._lock:
            self._credit += count
            self._lock.notify_all()

    def _cancel(self) -> None:
        """The caller gave up: answer at once, and let the handler notice in its own time."""
        self._answer(error="cancelled")
        with self._lock:
            self._cancelled = True
            self._lock.notify_all()
        if self._task is not None:
            self._task.cancel()

    def _send(self, frame: dict[str, Any]) -> None:
        with self._lock:
            if not self._answered:
                self._owner._send(frame)

    def _answer(self, result: Any = None, error: Optional[str] = None) -> None:
        """The one answer; whatever comes after it is not sent."""
        with self._lock:
            if self._answered:
                return
            self._answered = True
            frame: dict[str, Any] = {"type": "rpc_response", "id": self.id}
            if self._seq and error is None:
                self._owner._send({"type": "end", "id": self.id})
            if error is None:
                frame["result"] = result
            else:
                frame["error"] = error
            try:
                self._owner._send(frame)
            except (TypeError, ValueError) as problem:
                self._owner._send({"type": "rpc_response", "id": self.id, "error": f"bad result: {problem}"})
        self._owner._forget_call(self.id)


_END = object()


class Stream:
    """The pieces of a streamed result: iterate it, `for` or `async for`. Leaving it early cancels the call."""

    def __init__(self, owner: Module, call_id: str, target: str) -> None:
        self._owner, self._id, self._target = owner, call_id, target
        self._lock = threading.Lock()
        self._chunks: collections.deque[Any] = collections.deque()
        self._waiter: Optional[concurrent.futures.Future[Any]] = None
        self._taken = 0
        self._ended = False
        self.future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self.future.add_done_callback(lambda _: self._end())

    def _push(self, chunk: Any) -> None:
        with self._lock:
            if self._waiter is not None:
                waiter, self._waiter = self._waiter, None
            elif len(self._chunks) < 2 * STREAM_WINDOW:
                self._chunks.append(chunk)
                return
            else:
                waiter = None
        if waiter is not None:
            waiter.set_result(chunk)
        else:  # The sender ignores its credit: a stream with a hole would be worse than none.
            self._owner._give_up(self._id, CallError("stream overrun", self._target))

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.set_result(_END)

    def _next(self) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        with self._lock:
            if self._chunks:
                future.set_result(self._chunks.popleft())
            elif self._ended:
                future.set_result(_END)
            else:
                self._waiter = future
        return future

    def _took(self, chunk: Any) -> bool:
        """Counts what was taken and grants more by the half window; False at the end of the stream."""
        if chunk is _END:
            if self.future.done():
                self.future.result()
            return False
        self._taken += 1
        if self._taken % (STREAM_WINDOW // 2) == 0 and not self._ended:
            self._owner._send({"type": "credit", "id": self._id, "n": STREAM_WINDOW // 2})
        return True

    def __iter__(self) -> Iterator[Any]:
        self._owner._will_wait()
        try:
            while self._took(chunk := self._next().result(CALL_WAIT_S)):
                yield chunk
        finally:
            self.close()

    async def __aiter__(self) -> Any:
        try:
            while self._took(chunk := await asyncio.wrap_future(self._next())):
                yield chunk
        finally:
            self.close()

    def result(self, timeout: Optional[float] = None) -> Any:
        """What the handler returned after its last piece; raises what the call was answered with."""
        return self._owner._wait(self.future, self._id, timeout, self._target)

    def close(self) -> None:
        """Gives the call up, if it still runs."""
        if not self._ended:
            self._owner._give_up(self._id, _call_error("cancelled", self._target))


class _Pending:
    """A call of ours that is not answered yet."""

    def __init__(self, future: concurrent.futures.Future[Any], target: str,
                 on_progress: Optional[Callable[..., Any]] = None, stream: Optional[Stream] = None) -> None:
        self.future, self.target, self.on_progress, self.stream = future, target, on_progress, stream
        self.answer_type = "rpc_response"

    def settle(self, result: Any = None, error: Optional[CallError] = None) -> None:
        """Gives the waiting code its answer; a task that was cancelled meanwhile wants none."""
        try:
            if error is None:
                self.future.set_result(result)
            else:
                self.future.set_exception(error)
        except concurrent.futures.InvalidStateError:
            pass


class _Latch:
    """Set once, awaited by the thread of `run`. A pipe and not an event: a signal that comes just before the thread
    sleeps on a lock is only seen when something else ends that sleep, while its byte in a pipe waits to be read."""

    def __init__(self) -> None:
        self._is_set = False
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)

    def wake_on_signals(self) -> None:
        """Makes every signal end the sleep, so that its handler runs. Called by the main thread."""
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)

    def set(self) -> None:
        """Lets the waiting thread go on."""
        self._is_set = True
        try:
            os.write(self._write_end, b"\0")
        except BlockingIOError:
            pass  # Full of signals: it wakes without our byte.

    def wait(self) -> None:
        """Returns once it is set."""
        while not self._is_set:
            os.read(self._read_end, 1 << 16)


class _Config:
    """This module's own section of config.yaml: `config()` is all of it, `config("a.b", default)` one value."""

    def __init__(self) -> None:
        self._section: Any = {}

    def _set(self, sections: Any, key: Optional[str]) -> None:
        if not isinstance(sections, dict):
            sections = {}
        if key in sections:
            self._section = sections[key]
        elif len(sections) == 1:
            (self._section,) = sections.values()  # The kernel never sends another module's section.
        else:
            self._section = sections

    def __call__(self, key: Optional[str] = None, default: Any = None) -> Any:
        value = self._section
        for part in key.split(".") if key else ():
            if not isinstance(value, dict) or part not in value:
                return default
            value = value[part]
        return value


class _Log:
    """`log("text")`, `log.warn("text", data={...})`, `log.group("text", [{"msg": ...}])`."""

    def __init__(self, owner: Module) -> None:
        self._owner = owner

    def __call__(self, msg: Any, level: str = "info", data: Any = None, topic: Optional[str] = None) -> None:
        if level not in LEVELS:
            raise ValueError(f"unknown level {level!r}; known are {', '.join(LEVELS)}")
        frame: dict[str, Any] = {"type": "log", "level": level, "msg": str(msg)}
        if data is not None:
            frame["data"] = data
        if topic is not None:
            frame["topic"] = topic
        self._owner._send_log(frame)

    def group(self, msg: Any, items: list[dict[str, Any]], level: str = "info", data: Any = None) -> None:
        """One record with parts, shown as a tree; each item is `{"msg": text, "data": anything}`."""
        frame: dict[str, Any] = {"type": "log-group", "level": level, "msg": str(msg), "items": items}
        if data is not None:
            frame["data"] = data
        self._owner._send_log(frame)

    def trace(self, msg: Any, data: Any = None) -> None:
        """For every message."""
        self(msg, "trace", data)

    def debug(self, msg: Any, data: Any = None) -> None:
        """For decisions."""
        self(msg, "debug", data)

    def info(self, msg: Any, data: Any = None) -> None:
        """For what happens in a normal life."""
        self(msg, "info", data)

    def warn(self, msg: Any, data: Any = None) -> None:
        """Handled, and worth a look."""
        self(msg, "warn", data)

    def error(self, msg: Any, data: Any = None) -> None:
        """Someone must act."""
        self(msg, "error", data)


class LogHandler(logging.Handler):
    """Sends records of the standard `logging` module to the kernel: `logging.basicConfig(handlers=[LogHandler()])`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Called by `logging`."""
        at = min(record.levelno // 10, 5)
        module.log(self.format(record), ("trace", "debug", "info", "warn", "error", "fatal")[at])


class _Shape:
    """What a handler takes, looked at once: looking costs more than calling it."""

    def __init__(self, handler: Callable[..., Any]) -> None:
        self._signature = inspect.signature(handler)
        parameters = self._signature.parameters
        self._special = [name for name in ("call", "params") if name in parameters]
        named = {name: one for name, one in parameters.items() if name not in self._special}
        by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        self._is_plain = all(one.kind in by_name for one in parameters.values()) and "params" not in self._special
        self._names = named.keys()
        self._needed = {name for name, one in named.items() if one.default is inspect.Parameter.empty}

    def bind(self, call: Call) -> tuple[list[Any], dict[str, Any]]:
        """Turns params into arguments: an object becomes keywords, an array positions, anything else the one argument.

        A parameter named `call` gets the `Call`; a parameter named `params` gets the params as they came.
        """
        params = call.params
        kwargs: dict[str, Any] = {name: call if name == "call" else params for name in self._special}
        if self._is_plain and isinstance(params, dict) and self._needed <= params.keys() <= self._names:
            kwargs.update(params)
            return [], kwargs
        args: list[Any] = []
        if "params" not in kwargs:
            if isinstance(params, dict):
                clash = kwargs.keys() & params.keys()
                if clash:
                    raise Failure(f"bad params: `{clash.pop()}` is a reserved name")
                kwargs.update(params)
            elif isinstance(params, list):
                args = list(params)
            elif params is not None:
                args = [params]
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as problem:
            raise Failure(f"bad params: {problem}") from None
        return args, kwargs


# --- The module ------------------------------------------------------------------------------------------------------


class Module:
    """One module process: what it offers, and its talk with the kernel. The verbs of this file use one, `module`."""

    def __init__(self) -> None:
        self.config, self.log = _Config(), _Log(self)
        self.workspace_path = ""
        self.project_root = ""
        self._services: dict[str, dict[str, Callable[..., Any]]] = {}
        self._classes: list[tuple[str, type]] = []
        self._topics: dict[str, list[Callable[..., Any]]] = {}
        self._methods: dict[str, Callable[..., Any]] = {}
        self._hooks: dict[str, list[Callable[..., Any]]] = {name: [] for name in HOOKS}
        self._door: Optional[_Door] = None
        self._pending: dict[str, _Pending] = {}
        self._running: dict[str, Call] = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._ids = itertools.count(1)
        self._life = _Lane("life", 1, DELIVERIES_QUEUED_MAX)
        self._deliveries = _Lane("topics", 1, DELIVERIES_QUEUED_MAX)
        self._calls = _Lane("calls", WORKERS, CALLS_QUEUED_MAX)
        self._turns = _Turns(self._read)
        self._lines: Iterator[bytes] = iter(())
        self._shapes: dict[Callable[..., Any], _Shape] = {}
        self._deliveries_lost = 0
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._stopping = False
        self._done = _Latch()
        self._exit_code = 0
        self._manifest: dict[str, Any] = {}

    # What a module offers.

    def service(self, name: str, method: Optional[str] = None) -> Callable[[Any], Any]:
        """Offers a service: on a class, every public method; on a function, one method (its own name by default)."""
        _name(name, "service")

        def take(target: Any) -> Any:
            if inspect.isclass(target):
                self._classes.append((name, target))
                self._services.setdefault(name, {})
            else:
                self._services.setdefault(name, {})[_name(method or target.__name__, "method")] = target
            return target
        return take

    def on(self, topic: str) -> Callable[[Any], Any]:
        """Calls the function with the payload of every message on the topic; a second parameter gets the `Message`."""
        _name(topic, "topic")
        return lambda handler: (self._topics.setdefault(topic, []).append(handler), handler)[1]

    def hook(self, name: str) -> Callable[[Any], Any]:
        """Calls the function at a moment of the module's life. The names, and what the function gets:

        install () first start ever · init () before ready, raising fails the start · ready () everything it needs is
        up; has a thread of its own and may loop for as long as it likes · service_available (service) · config
        (section) it changed · shutdown () last act · save () returns the state to keep · restore (state, version).
        """
        if name not in HOOKS:
            raise ValueError(f"unknown hook {name!r}; known are {', '.join(HOOKS)}")
        return lambda handler: (self._hooks[name].append(handler), handler)[1]

    def save_state(self, handler: Any) -> Any:
        """The function returns what the next life is to have; `hook("save")`."""
        return self.hook("save")(handler)

    def restore_state(self, handler: Any) -> Any:
        """The function gets what an earlier life saved, and the version that saved it; `hook("restore")`."""
        return self.hook("restore")(handler)

    def method(self, name: str) -> Callable[[Any], Any]:
        """Answers a call that the kernel itself makes; the function gets the params."""
        return lambda handler: (self._methods.__setitem__(_name(name, "method"), handler), handler)[1]

    # What a module asks for.

    def publish(self, topic: str, payload: Any = None) -> None:
        """Sends a message to every other module that listens to the topic. Nobody answers."""
        self._send({"type": "publish", "topic": _name(topic, "topic"), "payload": payload, **_outgoing_context(None)})

    def call(self, service: str, method: str, params: Any = None, *, timeout: Optional[float] = None,
             on_progress: Optional[Callable[..., Any]] = None) -> Any:
        """Calls another module's service and waits for the result.

        `timeout` is in seconds; without it the kernel's own `rpcTimeoutMs` counts. `on_progress(fraction, msg)` is
        called while the other side works. Raises `CallError`, `TimedOut` or `Cancelled`.
        """
        _refuse_on_loop("call", "acall")
        call_id, future = self._start(service, method, params, timeout, on_progress)
        return self._wait(future, call_id, timeout, f"{service}.{method}")

    async def acall(self, service: str, method: str, params: Any = None, *, timeout: Optional[float] = None,
                    on_progress: Optional[Callable[..., Any]] = None) -> Any:
        """`call` for `async def` handlers. Cancelling the task cancels the call."""
        call_id, future = self._start(service, method, params, timeout, on_progress)
        return await self._await(future, call_id, timeout, f"{service}.{method}")

    def stream(self, service: str, method: str, params: Any = None, *, timeout: Optional[float] = None) -> Stream:
        """Calls a service whose result comes in pieces; iterate over what it gives."""
        target = f"{service}.{method}"
        stream = Stream(self, self._next_id("s"), target)
        self._ask(stream._id, service, method, params, timeout, _Pending(stream.future, target, stream=stream))
        return stream

    def kernel(self, method: str, params: Any = None, *, timeout: Optional[float] = None) -> Any:
        """Asks the kernel itself: `config.get`, `permissions.request`, `service.discover` and so on."""
        _refuse_on_loop("kernel", "akernel")
        call_id, future = self._start_kernel(method, params, timeout)
        return self._wait(future, call_id, timeout, method)

    async def akernel(self, method: str, params: Any = None, *, timeout: Optional[float] = None) -> Any:
        """`kernel` for `async def` handlers."""
        call_id, future = self._start_kernel(method, params, timeout)
        return await self._await(future, call_id, timeout, method)

    def secret(self, name: str) -> str:
        """The value of a secret that was granted (`permissions.secrets`). Use it and let it go; never log it."""
        return str(self.kernel("secret.get", {"name": name}))

    async def asecret(self, name: str) -> str:
        """`secret` for `async def` handlers."""
        return str(await self.akernel("secret.get", {"name": name}))

    def context_get(self, key: str, default: Any = None, *, session: Optional[str] = None) -> Any:
        """A variable of this module's own, or of a session that was granted (`permissions.context`)."""
        found = self.kernel("context.get", {"key": key, "session": session})
        return default if found is None else found["value"]

    def context_set(self, key: str, value: Any, *, ttl_ms: Optional[int] = None,
                    session: Optional[str] = None) -> None:
        """Keeps a variable with the kernel; with `ttl_ms` for so long."""
        params = {"key": key, "value": value, "session": session, "ttl_ms": ttl_ms}
        self.kernel("context.set", params)

    def context_delete(self, key: str, *, session: Optional[str] = None) -> bool:
        """Removes a variable; whether there was one."""
        return bool(self.kernel("context.delete", {"key": key, "session": session})["deleted"])

    def context_list(self, pattern: Optional[str] = None, *, session: Optional[str] = None) -> list[dict[str, Any]]:
        """Variables without their values; the pattern may end in `*` after a `:` or a `.`."""
        return list(self.kernel("context.list", {"key": pattern, "session": session}))

    def context_watch(self, pattern: Optional[str] = None, *, session: Optional[str] = None) -> int:
        """Changes by others come from now on as messages on `kernel.context`; gives what `context_unwatch` takes."""
        return int(self.kernel("context.watch", {"key": pattern, "session": session})["watch"])

    def context_unwatch(self, watch: int) -> bool:
        """Ends a watch; whether there was one."""
        return bool(self.kernel("context.unwatch", {"watch": watch})["deleted"])

    def _next_id(self, kind: str) -> str:
        return f"{kind}{next(self._ids)}"

    def _start(self, service: str, method: str, params: Any, timeout: Optional[float],
               on_progress: Optional[Callable[..., Any]]) -> tuple[str, concurrent.futures.Future[Any]]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        call_id = self._next_id("r")
        self._ask(call_id, service, method, params, timeout, _Pending(future, f"{service}.{method}", on_progress))
        return call_id, future

    def _ask(self, call_id: str, service: str, method: str, params: Any, timeout: Optional[float],
             pending: _Pending) -> None:
        frame = {"type": "rpc_request", "id": call_id, "service": _name(service, "service"),
                 "method": _name(method, "method"), **_outgoing_context(timeout)}
        if params is not None:
            frame["params"] = params
        self._send_pending(call_id, frame, pending)

    def _start_kernel(self, method: str, params: Any,
                      timeout: Optional[float]) -> tuple[str, concurrent.futures.Future[Any]]:
        pending = _Pending(concurrent.futures.Future(), method)
        pending.answer_type = "call:response"
        call_id = self._next_id("k")
        frame = {"type": "call", "id": call_id, "method": _name(method, "method"), **_outgoing_context(timeout)}
        if params is not None:
            frame["params"] = params
        self._send_pending(call_id, frame, pending)
        return call_id, pending.future

    def _send_pending(self, call_id: str, frame: dict[str, Any], pending: _Pending) -> None:
        with self._lock:
            self._pending[call_id] = pending
        try:
            self._send(frame)
        except (TypeError, ValueError):
            self._pending.pop(call_id, None)
            raise

    def _wait(self, future: concurrent.futures.Future[Any], call_id: str, timeout: Optional[float], target: str) -> Any:
        self._will_wait()
        try:
            return future.result(CALL_WAIT_S if timeout is None else timeout)
        except concurrent.futures.TimeoutError:
            self._give_up(call_id, TimedOut("timeout", target))
            return future.result(0)

    async def _await(self, future: concurrent.futures.Future[Any], call_id: str, timeout: Optional[float],
                     target: str) -> Any:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), CALL_WAIT_S if timeout is None else timeout)
        except asyncio.TimeoutError:
            self._give_up(call_id, TimedOut("timeout", target))
            raise TimedOut("timeout", target) from None
        except asyncio.CancelledError:
            self._give_up(call_id, Cancelled("cancelled", target))
            raise

    def _give_up(self, call_id: str, error: CallError) -> None:
        """Stops waiting for an answer and tells the other side, which may stop working."""
        with self._lock:
            pending = self._pending.pop(call_id, None)
        if pending is not None:
            self._send({"type": "cancel", "id": call_id})
            pending.settle(error=error)

    # The talk with the kernel.

    def _send(self, frame: dict[str, Any]) -> None:
        if self._door is None:
            raise OstojaError("not connected to a kernel: call run() first, and use hook('ready') for early work")
        self._door.send(frame)

    def _send_log(self, frame: dict[str, Any]) -> None:
        if self._door is None:
            print(f"{frame['level']}: {frame['msg']}", file=sys.stderr)
            return
        try:
            self._door.send(frame)
        except (TypeError, ValueError) as problem:  # A log call must not break the code around it.
            self._door.send({"type": "log", "level": frame["level"], "msg": f"(not shown: {problem})"})

    def run(self) -> None:
        """Connects to the kernel and serves until it says shutdown or closes the pipe. Does not return: exits 0."""
        if os.isatty(0):
            name = os.path.basename(sys.argv[0]) or "this file"
            print(f"{name} is an Ostoja module: the kernel starts it and talks to it over a pipe.\n"
                  f"List it in ostoja.yaml (modules: {{name: {{run: python3 {name}}}}}) and type: ostoja up",
                  file=sys.stderr)
            sys.exit(EXIT_MISUSE)
        self._door = _Door()
        self._manifest = _read_manifest()
        if threading.current_thread() is threading.main_thread():
            self._done.wake_on_signals()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self._stop("signal"))
        self._lines = self._door.lines()
        self._turns.begin()
        self._done.wait()
        self._door.close()
        # The user's own threads must not keep an orphan alive after the kernel is gone.
        watchdog = threading.Timer(EXIT_S, os._exit, (self._exit_code,))
        watchdog.daemon = True
        watchdog.start()
        sys.exit(self._exit_code)

    def _read(self) -> None:
        own_turn = threading.current_thread()
        for line in self._lines:
            try:
                frame = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError):
                self.log.warn("the kernel sent a line that is not JSON", {"bytes": len(line)})
                continue
            if isinstance(frame, dict) and all(isinstance(frame.get(field, ""), str) for field in NAME_FIELDS):
                self._take(frame)
                if self._turns.reader is not own_turn:
                    return
            elif frame is not None:
                self.log.warn("the kernel sent a message that is not of the module door")
        self._stop("eof")

    def _take(self, frame: dict[str, Any]) -> None:
        """Every kind of frame the kernel sends; unknown kinds come from a newer kernel and are skipped."""
        kind, frame_id = frame.get("type"), frame.get("id", "")
        if kind == "ping":
            self._send({"type": "pong"})
        elif kind == "rpc_request":
            self._take_request(frame)
        elif kind in ("rpc_response", "call:response"):
            self._take_answer(frame)
        elif kind == "deliver":
            self._take_delivery(frame)
        elif kind == "call":
            if not self._calls.put(lambda: self._serve_kernel(frame)):
                self._send({"type": "call:response", "id": frame_id, "error": "overloaded"})
        elif kind in ("cancel", "credit"):
            call = self._running.get(frame_id)
            if call is not None and kind == "cancel":
                call._cancel()
            elif call is not None and isinstance(frame.get("n"), int):
                call._grant(frame["n"])
            elif kind == "cancel":
                self._end_pending(frame_id, error="cancelled")
        elif kind in ("progress", "chunk", "end"):
            self._take_part(kind, frame)
        elif kind in ("install", "init", "deps_ready", "service_available", "config:update", "state:save",
                      "state:restore"):
            self._life.put(lambda: self._live(kind, frame))
        elif kind == "transport":
            if self._door is not None and frame.get("kind") == "shm":
                self._door.read_lane()
        elif kind == "shutdown":
            self._stop("shutdown")

    def _take_answer(self, frame: dict[str, Any]) -> None:
        pending = self._pending.get(frame.get("id", ""))
        if pending is not None and pending.answer_type == frame["type"]:
            self._end_pending(frame["id"], frame.get("result"), frame.get("error"))

    def _end_pending(self, call_id: str, result: Any = None, error: Any = None) -> None:
        with self._lock:
            pending = self._pending.pop(call_id, None)
        if pending is None:
            return  # Given up before; a late answer is nobody's.
        pending.settle(result, None if error is None else _call_error(str(error), pending.target))

    def _take_part(self, kind: str, frame: dict[str, Any]) -> None:
        pending = self._pending.get(frame.get("id", ""))
        if pending is None:
            return
        if kind == "progress" and pending.on_progress is not None:
            report = pending.on_progress
            self._calls.put(lambda: report(frame.get("fraction"), frame.get("msg")))
        elif kind == "chunk" and pending.stream is not None:
            pending.stream._push(frame.get("data"))
        elif kind == "chunk":
            # Called without `stream`: the pieces are not wanted, and the sender must not wait for us.
            self._send({"type": "credit", "id": frame["id"], "n": 1})
        elif kind == "end" and pending.stream is not None:
            pending.stream._end()

    def _take_delivery(self, frame: dict[str, Any]) -> None:
        if self._deliveries.put(lambda: self._deliver(frame)):
            return
        self._deliveries_lost += 1
        if self._deliveries_lost & (self._deliveries_lost - 1) == 0:  # At 1, 2, 4, 8: a flood must not flood the log.
            self.log.warn("messages lost, the handlers are too slow", {"lost": self._deliveries_lost})

    def _deliver(self, frame: dict[str, Any]) -> None:
        message, error = Message(frame), None
        token = _current.set(message)
        try:
            for handler in self._topics.get(message.topic, ()):
                wants = len(inspect.signature(handler).parameters)
                self._finish(handler(*(frame.get("payload"), message)[:wants]))
        except Exception as problem:
            error = self._explain(problem, f"handler of topic {message.topic}")
        finally:
            _current.reset(token)
        answer = {"type": "ack", "id": message.id}
        self._send(answer if error is None else {"type": "nack", "id": message.id, "error": error})

    # Serving calls.

    def _take_request(self, frame: dict[str, Any]) -> None:
        call = Call(self, frame)
        handler = self._services.get(call.service, {}).get(call.method)
        if handler is None:
            known = call.service in self._services
            call._answer(error=f"Unknown method: {call.method}" if known else "service_not_found")
            return
        with self._lock:
            if self._stopping:
                full = True
            else:
                full = False
                self._running[call.id] = call
        if full:
            call._answer(error="shutting down")
        elif inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
            call._task = asyncio.run_coroutine_threadsafe(self._serve_async(call, handler), self._event_loop())
        elif self._turns.is_quick(handler):
            self._turns.serve(call, self._serve, handler)
        elif not self._calls.put(lambda: self._serve(call, handler)):
            call._answer(error="overloaded")

    def _serve(self, call: Call, handler: Callable[..., Any]) -> None:
        token, began = _current.set(call), time.monotonic()
        try:
            if call.cancelled:
                raise TimedOut("deadline_exceeded")  # It waited in our queue for longer than its caller does.
            args, kwargs = self._bind(handler, call)
            result = handler(*args, **kwargs)
            if inspect.isgenerator(result):
                self._will_wait()
                result = _emit_all(call, result)
            call._answer(self._finish(result))
        except BaseException as problem:  # Also SystemExit: it is no thread's end here, and the caller waits.
            call._answer(error=self._explain(problem, f"{call.service}.{call.method}"))
        finally:
            _current.reset(token)
            self._turns.judge(handler, call, time.monotonic() - began)

    def _bind(self, handler: Callable[..., Any], call: Call) -> tuple[list[Any], dict[str, Any]]:
        shape = self._shapes.get(handler)
        if shape is None:
            shape = self._shapes[handler] = _Shape(handler)
        return shape.bind(call)

    def _will_wait(self) -> None:
        """The running handler is about to wait for somebody: if it runs on the reader's thread, another one reads."""
        call = _current.get()
        if isinstance(call, Call):
            call._waited = True
            self._turns.hand_over(call)

    async def _serve_async(self, call: Call, handler: Callable[..., Any]) -> None:
        _current.set(call)
        try:
            args, kwargs = self._bind(handler, call)
            result = handler(*args, **kwargs)
            if inspect.isasyncgen(result):
                async for piece in result:
                    await call.aemit(piece)
                call._answer()
            else:
                call._answer(await result)
        except asyncio.CancelledError:
            call._answer(error="cancelled")
        except Exception as problem:
            call._answer(error=self._explain(problem, f"{call.service}.{call.method}"))

    def _serve_kernel(self, frame: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"type": "call:response", "id": frame.get("id")}
        handler = self._methods.get(frame.get("method", ""))
        try:
            if handler is None:
                raise Failure(f"Unknown method: {frame.get('method')}")
            answer["result"] = self._finish(handler(frame.get("params")))
            self._send(answer)
        except Exception as problem:
            answer.pop("result", None)
            answer["error"] = self._explain(problem, f"kernel call {frame.get('method')}")
            self._send(answer)

    def _forget_call(self, call_id: str) -> None:
        with self._idle:
            self._running.pop(call_id, None)
            self._idle.notify_all()

    def _explain(self, problem: BaseException, where: str) -> str:
        """The error text for the other side; what was not raised on purpose also goes to the log, with its place."""
        if isinstance(problem, Cancelled):
            return "cancelled"
        if isinstance(problem, OstojaError):
            return str(problem)
        text = f"{type(problem).__name__}: {problem}"
        self.log.error(f"{where} failed: {text}", {"traceback": traceback.format_exc(limit=-8)})
        return text

    def _finish(self, result: Any) -> Any:
        """Waits for the result of an `async def` function that was called from a thread."""
        if inspect.iscoroutine(result):
            self._will_wait()
            return asyncio.run_coroutine_threadsafe(result, self._event_loop()).result()
        return result

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="ostoja-loop", daemon=True).start()
            return self._loop

    # The module's life.

    def _live(self, kind: str, frame: dict[str, Any]) -> None:
        """One step of the life, on the life thread."""
        frame_id = frame.get("id")
        try:
            if kind == "install":
                self._run_hooks("install")
            elif kind == "init":
                self._init(frame)
            elif kind == "deps_ready":
                for handler in self._hooks["ready"]:
                    threading.Thread(target=self._run_ready, args=(handler,), name="ostoja-ready", daemon=True).start()
            elif kind == "service_available":
                self._run_hooks("service_available", frame.get("service"))
            elif kind == "config:update":
                self.config._set(frame.get("config"), self._manifest.get("configKey"))
                self._run_hooks("config", self.config())
            elif kind == "state:save":
                state = self._run_hooks("save")
                self._send({"type": "state:saved", "id": frame_id, "state": state,
                            "version": str(self._manifest.get("version", "0"))})
            elif kind == "state:restore":
                self._run_hooks("restore", frame.get("state"), frame.get("version"))
                self._send({"type": "state:restored", "id": frame_id})
        except Exception as problem:
            error = self._explain(problem, kind)
            if kind in ("init", "state:save", "state:restore"):
                self._send({"type": "nack", "id": "init" if kind == "init" else frame_id, "error": error})
            if kind == "init":
                self._exit_code = 1
                self._done.set()

    def _init(self, frame: dict[str, Any]) -> None:
        self.workspace_path, self.project_root = frame.get("workspacePath", ""), frame.get("projectRoot", "")
        self.config._set(frame.get("config"), self._manifest.get("configKey"))
        for name, kind in self._classes:
            made = kind()
            for attribute, _ in inspect.getmembers(kind, callable):
                if not attribute.startswith("_"):
                    self._services[name][attribute] = getattr(made, attribute)
        self._classes.clear()
        self._run_hooks("init")
        assert self._door is not None
        lane = _offered_lane(frame.get("transport"))
        self._door.send_ready({"type": "ready", "manifest": self._ready_manifest()}, lane)

    def _ready_manifest(self) -> dict[str, Any]:
        """The manifest of module.json; what the code offers and the file does not say is worth a warning."""
        manifest = dict(self._manifest)
        for field, offered in (("provides", self._services), ("subscribes", self._topics)):
            declared = manifest.get(field)
            if self._manifest:
                missing = sorted(set(offered) - set(declared or ()) - set(_capability_topics(manifest)))
                if missing:
                    self.log.warn(f"module.json lacks {', '.join(missing)} in `{field}`: the kernel will not know")
            manifest[field] = declared if declared is not None else sorted(offered)
        return manifest

    def _run_hooks(self, name: str, *args: Any) -> Any:
        result = None
        for handler in self._hooks[name]:
            result = self._finish(handler(*args))
        return result

    def _run_ready(self, handler: Callable[[], Any]) -> None:
        try:
            self._finish(handler())
        except Exception as problem:
            self._explain(problem, "ready hook")

    def _stop(self, why: str) -> None:
        """Begins the end, once. On `eof` nobody hears us any more, so running calls are not waited for."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
        threading.Thread(target=self._wind_down, args=(why,), name="ostoja-stop", daemon=True).start()
        late = threading.Timer(DRAIN_S, self._done.set)
        late.daemon = True
        late.start()

    def _wind_down(self, why: str) -> None:
        with self._idle:
            if why != "eof":
                self._idle.wait_for(lambda: not self._running, DRAIN_S / 2)
            left = list(self._pending)
        for call_id in left:
            self._end_pending(call_id, error="shutting down")
        try:
            self._run_hooks("shutdown")
        except Exception as problem:
            self._explain(problem, "shutdown")
        self._done.set()


def _emit_all(call: Call, pieces: Any) -> Any:
    """Sends what a generator yields; what it returns is the result."""
    try:
        while True:
            call.emit(next(pieces))
    except StopIteration as end:
        return end.value
    finally:
        pieces.close()


def _refuse_on_loop(verb: str, instead: str) -> None:
    """A blocking wait on the loop's own thread would stop every async handler, and often itself."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise OstojaError(f"{verb} blocks: use `await {instead}(...)` in async code")


def _capability_topics(manifest: dict[str, Any]) -> list[str]:
    capabilities = manifest.get("capabilities")
    topics = capabilities.get("topics") if isinstance(capabilities, dict) else None
    return topics if isinstance(topics, list) else []


def _read_manifest() -> dict[str, Any]:
    """The module.json beside the started file, or nothing when the module is listed in an ostoja.yaml."""
    folder = os.path.dirname(os.path.abspath(sys.argv[0] or "."))
    try:
        with open(os.path.join(folder, "module.json"), encoding="utf-8") as file:
            manifest = json.load(file)
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


module = Module()
service, on, hook, method = module.service, module.on, module.hook, module.method
save_state, restore_state = module.save_state, module.restore_state
publish, call, acall, stream = module.publish, module.call, module.acall, module.stream
astream = module.stream  # The same object serves `for` and `async for`.
kernel, akernel, config, log, run = module.kernel, module.akernel, module.config, module.log, module.run
secret, asecret = module.secret, module.asecret
context_get, context_set, context_delete = module.context_get, module.context_set, module.context_delete
context_list, context_watch, context_unwatch = module.context_list, module.context_watch, module.context_unwatch


def current() -> Optional[Message]:
    """The call or message that the running code handles, or None outside of a handler."""
    return _current.get()


def _current_call() -> Call:
    found = _current.get()
    if not isinstance(found, Call):
        raise OstojaError("not inside a service method")
    return found


def emit(data: Any) -> None:
    """Sends one piece of the result of the call that the running code handles; see `Call.emit`."""
    _current_call().emit(data)


def progress(fraction: Optional[float] = None, msg: Optional[str] = None) -> None:
    """Tells the caller of the running code how far it is; see `Call.progress`."""
    _current_call().progress(fraction, msg)
