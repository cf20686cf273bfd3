// What a wish changes is seen right by right.
import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, standing, union, wish } from "../src/rights";

test("what is new, kept and lost is told apart", () => {
  assert.deepEqual(difference({ net: ["a:1", "b:2"], env: ["X"] }, { net: ["b:2", "c:3"] }), [
    { kind: "env", value: "X", change: "gone" },
    { kind: "net", value: "c:3", change: "new" },
    { kind: "net", value: "b:2", change: "has" },
    { kind: "net", value: "a:1", change: "gone" },
  ]);
  assert.deepEqual(difference({}, {}), []);
});

test("a wish shows what the module has beside what it would get", () => {
  const row = { moduleId: "web", approved: true, base: { read: ["data"] }, dynamic: { net: ["a:1"] }, denied: {}, pending: [] };
  assert.deepEqual(wish({ net: ["a:1", "b:2"] }, row), [
    { kind: "net", value: "b:2", change: "new" },
    { kind: "net", value: "a:1", change: "has" },
    { kind: "read", value: "data", change: "has" },
  ]);
  assert.deepEqual(wish({ net: ["x"] }, undefined), [{ kind: "net", value: "x", change: "new" }]);
});

test("what was refused is not shown as asked for", () => {
  const row = { moduleId: "web", approved: true, base: {}, dynamic: {}, denied: { net: ["evil:1"] }, pending: [] };
  assert.deepEqual(standing(row, { net: ["evil:1", "good:1"] }), [
    { kind: "net", value: "good:1", change: "new" },
    { kind: "net", value: "evil:1", change: "denied" },
  ]);
});

test("sets of rights join without doubles", () => {
  assert.deepEqual(union({ a: ["1"] }, undefined, { a: ["1", "2"], b: [] }), { a: ["1", "2"], b: [] });
});
