// Speaks to the server as a client does: @TESTER@
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

// Sends all of them, ends the input, and gives what was answered.
function ask(...messages) {
  const input = messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join("");
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const done = spawnSync(process.execPath, ["main.mjs"], { cwd, input, encoding: "utf8", timeout: 30_000 });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout.trim().split("\n").map((line) => JSON.parse(line));
}

test("it answers", () => {
  const [begun, listed, called] = ask(
    { id: 1, method: "initialize", params: { protocolVersion: "2025-06-18" } },
    { method: "notifications/initialized" },
    { id: 2, method: "tools/list" },
    { id: 3, method: "tools/call", params: { name: "@METHOD@", arguments: @PARAMS@ } },
  );
  assert.equal(begun.result.protocolVersion, "2025-06-18");
  assert.deepEqual(listed.result.tools.map((tool) => tool.name), ["@METHOD@"]);
  assert.equal(called.result.content[0].text, @RESULT@);
});

test("what it does not know is refused", () => {
  const [noTool, noMethod, noName] = ask(
    { id: 1, method: "tools/call", params: { name: "nothing" } },
    { id: 2, method: "nothing" },
    { id: 3, method: "tools/call", params: { name: "@METHOD@" } },
  );
  assert.equal(noTool.error.code, -32602);
  assert.equal(noMethod.error.code, -32601);
  assert.equal(noName.result.isError, true);
});
