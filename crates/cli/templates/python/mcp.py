"""@NAME@: an MCP server of the standard library alone. Ostoja runs it as a module, any MCP client as a server."""
import json
import sys


def hello(arguments: dict) -> str:
    return f"hello {arguments['name']}"


# Each tool: what does it, what it is for, and the schema of what it takes.
TOOLS = {
    "hello": (hello, "Greets somebody by name", {
        "type": "object",
        "properties": {"name": {"type": "string", "description": "Who is greeted"}},
        "required": ["name"],
    }),
}

REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]


class Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def initialize(params: dict) -> dict:
    wanted = params.get("protocolVersion")
    return {
        "protocolVersion": wanted if wanted in REVISIONS else REVISIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "@NAME@", "version": "0.1.0"},
    }


def tools_list(_params: dict) -> dict:
    return {"tools": [
        {"name": name, "description": text, "inputSchema": schema} for name, (_, text, schema) in TOOLS.items()
    ]}


def tools_call(params: dict) -> dict:
    if params.get("name") not in TOOLS:
        raise Refused(-32602, f"there is no tool {params.get('name')!r}")
    run = TOOLS[params["name"]][0]
    try:
        text, failed = run(params.get("arguments") or {}), False
    except Exception as error:  # A tool's failure is an answer for who called it, not the server's end.
        text, failed = f"{type(error).__name__}: {error}", True
    return {"content": [{"type": "text", "text": text}], "isError": failed}


METHODS = {
    "initialize": initialize,
    "ping": lambda _params: {},
    "tools/list": tools_list,
    "tools/call": tools_call,
}


def answer(line: str) -> "dict | None":
    """What a line is answered with; nothing for a notification or an answer."""
    try:
        message = json.loads(line)
    except ValueError:
        return {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "this is no JSON"}}
    if not isinstance(message, dict) or "id" not in message or "method" not in message:
        return None
    told = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        if message["method"] not in METHODS:
            raise Refused(-32601, f"there is no method {message['method']!r}")
        told["result"] = METHODS[message["method"]](message.get("params") or {})
    except Refused as refused:
        told["error"] = {"code": refused.code, "message": str(refused)}
    return told


def main() -> None:
    # Standard output belongs to the protocol: what else wants to be said goes to standard error, which is the log.
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        told = answer(line)
        if told is not None:
            print(json.dumps(told), file=out, flush=True)


if __name__ == "__main__":
    main()
