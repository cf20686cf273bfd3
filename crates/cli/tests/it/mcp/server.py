"""An MCP server for the tests, on Python's own library alone: one that can be slow, talk, change, hang and fall."""

import json
import os
import sys
import threading

TOOLS = {
    "add": {"a": {"type": "number"}, "b": {"type": "number"}},
    "slow": {},
    "fail": {},
    "crash": {},
    "grow": {},
    "read": {"path": {"type": "string"}},
}
WRITE = threading.Lock()
CANCELLED = threading.Event()


def say(message):
    with WRITE:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def text(words, **more):
    return {"content": [{"type": "text", "text": words}], **more}


def call(identity, params):
    name, given = params["name"], params.get("arguments", {})
    if name == "add":
        total = given["a"] + given["b"]
        return text(str(total), structuredContent={"sum": total})
    if name == "slow":
        token = params["_meta"]["progressToken"]
        say({"method": "notifications/progress",
             "params": {"progressToken": token, "progress": 1, "total": 2, "message": "half"}})
        CANCELLED.wait(60)
        print("slow was cancelled", file=sys.stderr, flush=True)
        return text("late")
    if name == "crash":
        os._exit(7)
    if name == "grow":
        TOOLS["grown"] = {}
        say({"method": "notifications/tools/list_changed"})
        return text("there is one more")
    if name == "grown":
        return text("new")
    if name == "read":
        try:
            with open(given["path"], encoding="utf-8") as file:
                return text(file.read())
        except OSError as error:
            return text(type(error).__name__, isError=True)
    return text("it went wrong", isError=True)


def answer(message):
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "test", "version": "1"}}
    if method == "ping":
        return {}
    if method == "tools/list":
        # One tool a page, so that the list has several.
        names = sorted(TOOLS)
        at = int(params.get("cursor", "0"))
        page = {"tools": [{"name": names[at], "inputSchema": {"type": "object", "properties": TOOLS[names[at]]}}]}
        if at + 1 < len(names):
            page["nextCursor"] = str(at + 1)
        return page
    return call(message["id"], params)


def serve(message):
    say({"id": message["id"], "result": answer(message)})


print("the test server is up", file=sys.stderr, flush=True)
print("this line is no message", flush=True)
for line in sys.stdin:
    received = json.loads(line)
    if received.get("method") == "notifications/cancelled":
        CANCELLED.set()
    elif "id" in received:
        threading.Thread(target=serve, args=(received,), daemon=True).start()
