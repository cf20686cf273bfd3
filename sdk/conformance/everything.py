"""One module that offers everything that `test_door.py` asks for, on the SDK for Python."""
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
sys.stdout.write("printed before run")
sys.stdout.flush()

import ostoja  # noqa: E402
from ostoja import (Call, CallError, Failure, acall, call, config, emit, hook, kernel, log, method, on, progress,  # noqa: E402
                    publish, run, service)

released = threading.Event()


@service("echo")
class Echo:
    def same(self, params): return params
    def _hidden(self): return "no"
    def fail(self): raise ValueError("bad luck")
    def refuse(self): raise Failure("not today")
    def odd(self): return {1, 2}
    def big(self): return "x" * (2 << 20)
    def who(self, call): return [call.sender, call.service, call.method, call.id]


@service("work", "hold")
def hold(call: Call):
    log("holding", data={"id": call.id})
    call.wait_cancelled(20)
    log("noticed", data={"cancelled": call.cancelled})
    return "too late"


@service("work", "wait")
def wait():
    log("waiting")
    released.wait(20)
    return "waited"


@service("work", "release")
def release(): released.set()


@service("work", "report")
def report():
    progress(0.5, "half")
    progress(msg="nearly")
    return "done"


@service("work", "left")
def left(call):
    return None if call.remaining() is None else call.remaining() * 1000


@service("work", "count")
def count(to):
    for n in range(to):
        yield n
    return "counted"


@service("work", "emit")
def emits(to):
    for n in range(to):
        emit(n)
    return "counted"


@service("relay", "call")
def relay(service, method, given=None, timeoutMs=None):
    try:
        return call(service, method, given, timeout=None if timeoutMs is None else timeoutMs / 1000,
                    on_progress=lambda fraction, msg: log("progress", data=[fraction, msg]))
    except CallError as problem:
        return {"kind": type(problem).__name__, "error": problem.error, "text": str(problem)}


@service("relay", "pass")
async def relay_pass(): return await acall("other", "thing")


@service("relay", "stream")
def relay_stream(stopAt=None):
    taken = []
    pieces = ostoja.stream("other", "pieces")
    for piece in pieces:
        taken.append(piece)
        if len(taken) == stopAt:
            return taken
    return [taken, pieces.result()]


@service("relay", "kernel")
def ask_kernel(method, given=None): return kernel(method, given)


@service("config", "read")
def read(key=None): return config(key, "none") if key else config()


@service("out", "prints")
def prints():
    print("from the language")
    os.write(1, b"from the stream\n")
    print("x" * 20_000)
    print("   ")
    sys.stdout.write("no newline, sent at the end")


@service("out", "children")
def children():
    subprocess.run(["sh", "-c", "echo from a child"])
    os.write(1, b"from a library\n")


@service("out", "logs")
def logs():
    log("plain")
    log.warn("careful", {"n": 1})
    log.group("tree", [{"msg": "leaf", "data": 2}], level="error")
    log("topical", topic="t")
    log("unsendable", data=object())


@service("out", "publish")
def publishes(topic): publish(topic, {"n": 1})


@on("news")
def news(payload): log("news", data=payload)


@on("news")
def news_with_topic(payload, message):
    if payload == "fail":
        raise RuntimeError("cannot")
    if payload == "relay":
        publish("more", message.topic)


@method("kernel.asks")
def kernel_asks(params): return ["answer", params]


@hook("install")
def installed(): log("hook install")


@hook("init")
def init():
    log("hook init", data=config())
    if config("fail"):
        raise Failure("no database")


@hook("ready")
def ready(): log("hook ready")


@hook("service_available")
def available(name): log("hook service", data=name)


@hook("config")
def changed(section): log("hook config", data=section)


@hook("save")
def save(): return {"kept": 1}


@hook("restore")
def restore(state, version):
    if version == "bad":
        raise Failure("cannot read that")
    log("hook restore", data=state)


@hook("shutdown")
def down(): log("hook shutdown")


run()
