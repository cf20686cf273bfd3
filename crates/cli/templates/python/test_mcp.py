"""Speaks to the server as a client does: python3 -m unittest"""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def ask(*messages: dict) -> list:
    """Sends all of them, ends the input, and gives what was answered."""
    lines = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=HERE, input=lines, capture_output=True, text=True, timeout=30, check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


class Main(unittest.TestCase):
    def test_it_answers(self) -> None:
        begun, listed, called = ask(
            {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/list"},
            {"id": 3, "method": "tools/call", "params": {"name": "@METHOD@", "arguments": @PARAMS@}},
        )
        self.assertEqual(begun["result"]["protocolVersion"], "2025-06-18")
        self.assertEqual([tool["name"] for tool in listed["result"]["tools"]], ["@METHOD@"])
        self.assertEqual(called["result"]["content"][0]["text"], @RESULT@)

    def test_what_it_does_not_know_is_refused(self) -> None:
        no_tool, no_method, no_name = ask(
            {"id": 1, "method": "tools/call", "params": {"name": "nothing"}},
            {"id": 2, "method": "nothing"},
            {"id": 3, "method": "tools/call", "params": {"name": "@METHOD@"}},
        )
        self.assertEqual(no_tool["error"]["code"], -32602)
        self.assertEqual(no_method["error"]["code"], -32601)
        self.assertTrue(no_name["result"]["isError"])


if __name__ == "__main__":
    unittest.main()
