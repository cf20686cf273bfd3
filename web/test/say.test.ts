// Decisions as sentences; the table that ships is the kernel's own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Meanings, remedy, sentence, weight } from "../src/say";
import type { JournalRow } from "../src/types";

const shipped = JSON.parse(readFileSync("web/dist/meanings.json", "utf8")) as Meanings;

const row = (code: string, facts: Record<string, unknown> = {}): JournalRow => ({
  seq: 1, tsMs: 0, code, moduleId: "web", generation: 1, facts,
});

test("a restart is told as the command line tells it, in both languages", () => {
  const planned = row("restart.planned", { wait_ms: 916, attempt: 1, max_restarts: 5 });
  assert.equal(sentence(shipped, planned, "en"), "restarts after 916 ms (attempt 1 of 5)");
  assert.equal(sentence(shipped, planned, "pl"), "ruszy ponownie po 916 ms (próba 1 z 5)");
  assert.equal(remedy(shipped, planned), "ostoja restart web");
});

test("every code of the table has both sentences", () => {
  assert.ok(Object.keys(shipped).length > 50);
  for (const [code, meaning] of Object.entries(shipped)) {
    assert.ok(meaning.en !== "" && meaning.pl !== "", code);
    assert.equal(typeof meaning.remedy, "string", code);
  }
});

test("a code of a newer kernel reads as its code and facts", () => {
  assert.equal(sentence(shipped, row("new.thing", { n: 1, after_ms: 1500 }), "en"), "new.thing n=1 after_ms=1.5 s");
});

test("codes and facts named like parts of JavaScript are only names", () => {
  assert.equal(sentence(shipped, row("constructor"), "en"), "constructor");
  assert.equal(sentence({}, row("__proto__", { a: 1 }), "pl"), "__proto__ a=1");
  assert.equal(remedy(shipped, row("toString")), null);
  assert.equal(sentence({ x: { en: "{constructor} {toString}", pl: "", remedy: "" } }, row("x"), "en"), "? {toString}");
});

test("a fact is not read as a template again, and hides nothing", () => {
  const meanings = { x: { en: "said {a}", pl: "", remedy: "" } };
  assert.equal(sentence(meanings, row("x", { a: "{b}$&\u202e<b>", b: "no" }), "en"), "said {b}$&\ufffd<b>");
});

test("weights follow codes", () => {
  assert.equal(weight(row("module.exited", { exit: "left with exit code 0" })), "rest");
  assert.equal(weight(row("module.exited", { exit: "left with exit code 10" })), "bad");
  assert.equal(weight(row("module.exited", { exit: "was killed by signal 9" })), "bad");
  assert.equal(weight(row("restart.gave_up")), "bad");
  assert.equal(weight(row("module.ready")), "good");
  assert.equal(weight(row("permission.requested")), "soon");
  assert.equal(weight(row("rpc.forbidden")), "soon");
  assert.equal(weight(row("kernel.started")), "rest");
});
