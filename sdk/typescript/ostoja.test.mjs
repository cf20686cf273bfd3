// The SDK's own parts, in Node: `node --test sdk/typescript/ostoja.test.mjs`. The conversations that every SDK has to keep, in Node, Deno
// and Bun, are in `sdk/conformance`.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { FakeKernel, faultOf } from "./fake_kernel.mjs";
import * as ostoja from "./ostoja.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const vectors = (name) =>
  readFileSync(here(`../../conformance/vectors/${name}.jsonl`), "utf8").trim().split("\n").map((line) => JSON.parse(line));

/** Runs a module made of this source and gives what `act` gives. */
async function withModule(source, act, manifest) {
  const folder = mkdtempSync(join(tmpdir(), "ostoja-"));
  const sdk = JSON.stringify(here("ostoja.mjs"));
  writeFileSync(join(folder, "module.mjs"), `import * as ostoja from ${sdk};\n${source}\nostoja.run();\n`);
  if (manifest) writeFileSync(join(folder, "module.json"), JSON.stringify(manifest));
  const kernel = new FakeKernel([process.execPath, join(folder, "module.mjs")], { cwd: folder });
  try {
    return await act(kernel);
  } finally {
    kernel.process.kill("SIGKILL");
    await kernel.exit;
    rmSync(folder, { recursive: true });
  }
}

test("the fake kernel takes every message of the vectors that the kernel takes", () => {
  for (const { name, line } of vectors("codec-from-module")) assert.equal(faultOf(JSON.parse(line)), undefined, name);
});

test("the fake kernel refuses what the kernel refuses, in the same words", () => {
  for (const { name, line, expect } of vectors("codec-invalid")) {
    if (expect.error !== undefined) assert.equal(faultOf(JSON.parse(line)), expect.error, name);
  }
});

test("what the fake kernel refuses ends the test that sees it", async () => {
  await withModule("ostoja.service('s', 'm', (_, call) => { call.id = 7; });", async (kernel) => {
    await kernel.start();
    await assert.rejects(kernel.request("s", "m"), /rpc_response: id is not a string/);
  });
});

test("a module that says something else ends the wait with what it said", async () => {
  await withModule("ostoja.hook('ready', () => process.exit(3));", async (kernel) => {
    await kernel.start();
    await assert.rejects(kernel.expect("pong"), /expected pong .*"ready"/);
    assert.equal(await kernel.exit, 3);
  });
});

test("ready carries the manifest file and warns of what it lacks", async () => {
  const manifest = { id: "m", name: "M", version: "1.2.0", permissions: {}, provides: ["a"], capabilities: { topics: ["news"] } };
  const source = "ostoja.service('a', {}); ostoja.service('b', {}); ostoja.on('news', () => {}); ostoja.saveState(() => 1);";
  await withModule(source, async (kernel) => {
    const ready = await kernel.start();
    assert.deepEqual(ready.manifest, { ...manifest, subscribes: ["news"] });
    await kernel.expect("log", { level: "warn", msg: "module.json lacks b in `provides`: the kernel will not know" });
    kernel.send("state:save", { id: "s" });
    assert.equal((await kernel.expect("state:saved")).version, "1.2.0");
  }, manifest);
});

test("every way of the console ends as log lines", async () => {
  const source = 'ostoja.service("s", "m", () => { console.table([{ a: 1 }]); console.group("g"); console.error("to stderr"); });';
  await withModule(source, async (kernel) => {
    await kernel.start();
    await kernel.request("s", "m");
    assert.equal(await kernel.stop(), 0);
    const printed = kernel.sent("log").map(({ msg }) => msg);
    assert.ok(printed.some((msg) => msg.includes("(index)")) && printed.includes("g"), printed.join());
    assert.ok(kernel.stderr.includes("to stderr"));
    assert.deepEqual(kernel.garbage, []);
  });
});

test("half a surrogate pair is sent as a question mark, and a written one as it is", async () => {
  await withModule("ostoja.service('s', 'm', () => 'ż\\ud800 \\\\ud800 \\\\\\\\ud800');", async (kernel) => {
    await kernel.start();
    assert.equal((await kernel.request("s", "m")).result, "ż? \\ud800 \\\\ud800");
  });
});

test("an async generator is closed when its caller gives up", async () => {
  const source = `
    ostoja.service("s", "m", async function* () {
      try { for (let n = 0; ; n++) yield n; } finally { ostoja.log("closed"); }
    });`;
  await withModule(source, async (kernel) => {
    await kernel.start();
    const id = kernel.ask("s", "m");
    await kernel.expect("chunk", { id, seq: 15 });
    kernel.send("cancel", { id });
    await kernel.expect("rpc_response", { id, error: "cancelled" });
    await kernel.expect("log", { msg: "closed" });
  });
});

test("a module whose kernel is gone leaves with 0 although a timer of its own goes on", async () => {
  await withModule("setInterval(() => {}, 1000);", async (kernel) => {
    await kernel.start();
    assert.equal(await kernel.vanish(), 0);
  });
});

test("without a kernel a verb says what is missing", async () => {
  assert.throws(() => ostoja.publish("t", 1), /call run\(\) first/);
  await assert.rejects(ostoja.call("s", "m"), /call run\(\) first/);
  assert.throws(() => ostoja.emit(1), /not inside a service method/);
  assert.throws(() => ostoja.hook("nothing", () => {}), /unknown hook nothing/);
  assert.throws(() => ostoja.service("x".repeat(257), {}), /service exceeds 256 chars \(257\)/);
});

test("the types name what the file exports, and nothing else", () => {
  const declared = readFileSync(here("ostoja.d.mts"), "utf8").matchAll(/^export (?:class|function|const) (\w+)/gm);
  const names = [...new Set([...declared].map(([, name]) => name))].sort();
  assert.deepEqual(names, Object.keys(ostoja).sort());
});
