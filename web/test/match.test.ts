// A few letters find what was meant.
import assert from "node:assert/strict";
import { test } from "node:test";
import { best, fit } from "../src/match";

const ENTRIES = ["Restart: web", "Restart: worker", "worker", "web", "Stop: web", "Settings"];
const find = (typed: string) => best(typed, ENTRIES, (entry) => entry, 3);

test("a whole word beats scattered letters, a start beats a middle", () => {
  assert.equal(find("web")[0], "web");
  assert.equal(find("work")[0], "worker");
  assert.equal(find("rwo")[0], "Restart: worker");
  assert.equal(find("STOP")[0], "Stop: web");
});

test("letters in another order do not fit", () => {
  assert.equal(fit("bew", "web"), null);
  assert.deepEqual(find("zzz"), []);
});

test("nothing typed gives all in their order, as many as may be shown", () => {
  assert.deepEqual(find("  "), ENTRIES.slice(0, 3));
});
