// Lives from records: each once, with why it ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lives } from "../src/lives";
import type { JournalRow } from "../src/types";

let seq = 0;
const row = (code: string, generation: number | null, facts: Record<string, unknown> = {}): JournalRow => ({
  seq: (seq += 1), tsMs: seq * 1000, code, moduleId: "web", generation, facts,
});

test("each life has its start, when it was ready, and the first reason of its end", () => {
  const records = [
    row("module.starting", 1), row("module.ready", 1, { after_ms: 12 }), row("module.exited", 1, { exit: "left with exit code 7" }),
    row("module.stopped", 1), row("restart.planned", null), row("module.starting", 4),
  ];
  const found = lives(records);
  assert.deepEqual(found.map((life) => life.generation), [4, 1]);
  assert.equal(found[0]?.end, null);
  assert.equal(found[0]?.readyAfterMs, null);
  assert.equal(found[1]?.readyAfterMs, 12);
  assert.equal(found[1]?.end?.code, "module.exited");
});

test("a life whose start is no longer in the journal begins where it is first heard of", () => {
  const late = row("module.ready", 9, { after_ms: "odd" });
  assert.deepEqual(lives([late]), [{ generation: 9, beganMs: late.tsMs, readyAfterMs: null, end: null }]);
  assert.deepEqual(lives([]), []);
});
