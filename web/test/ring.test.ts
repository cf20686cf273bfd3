// A day in bounded memory, in the order of time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COARSE_STEP_MS, FINE_SAMPLES_MAX, FINE_SPAN_MS, fewer, Ring, WHOLE_SPAN_MS } from "../src/ring";

test("three days at one sample a second stay within a day and a bound", () => {
  const ring = new Ring(1);
  let now = 1_700_000_000_000;
  for (let index = 0; index < 3 * 86_400; index += 1) ring.push({ atMs: (now += 1000), values: [1] });
  assert.ok(ring.size <= FINE_SAMPLES_MAX + WHOLE_SPAN_MS / COARSE_STEP_MS + 2, `${ring.size} samples`);
  const [times] = ring.columns(WHOLE_SPAN_MS, now);
  const first = times?.[0] ?? 0;
  assert.ok(first * 1000 >= now - WHOLE_SPAN_MS);
  assert.ok(first * 1000 < now - WHOLE_SPAN_MS + 2 * COARSE_STEP_MS, "the whole day is there");
});

test("times never go back, also where coarse samples meet fine ones", () => {
  const ring = new Ring(2);
  let now = 1_700_000_000_000;
  for (let index = 0; index < 4000; index += 1) ring.push({ atMs: (now += 2000), values: [index, null] });
  for (const span of [60_000, FINE_SPAN_MS, 3_600_000, WHOLE_SPAN_MS]) {
    const times = ring.columns(span, now)[0] ?? [];
    for (let index = 1; index < times.length; index += 1) assert.ok((times[index] ?? 0) > (times[index - 1] ?? 0));
  }
});

test("a sample that is not newer, or has no time, is left out", () => {
  const ring = new Ring(1);
  ring.push({ atMs: 1000, values: [1] });
  ring.push({ atMs: 1000, values: [2] });
  ring.push({ atMs: 500, values: [3] });
  ring.push({ atMs: Number.NaN, values: [4] });
  assert.deepEqual(ring.columns(10_000, 1000), [[1], [1]]);
});

test("a coarse sample is the mean of what was measured in its time, and nothing where nothing was", () => {
  const ring = new Ring(2);
  const start = Math.ceil(1_700_000_000_000 / COARSE_STEP_MS) * COARSE_STEP_MS;
  for (let at = start; at < start + 2 * FINE_SPAN_MS; at += 10_000) {
    ring.push({ atMs: at, values: [((at - start) / 10_000) % 3, null] });
  }
  const [, means, nothing] = ring.columns(3_600_000, start + 2 * FINE_SPAN_MS);
  assert.equal(means?.[0], 1);
  assert.equal(nothing?.[0], null);
});

test("what a server remembers goes before and between what was seen here", () => {
  const ring = new Ring(1);
  ring.push({ atMs: 100_000, values: [5] });
  ring.push({ atMs: 102_000, values: [6] });
  ring.refill([
    { atMs: 80_000, values: [1] },
    { atMs: 101_000, values: [2] },
  ]);
  assert.deepEqual(ring.columns(60_000, 103_000), [[80, 100, 101, 102], [1, 5, 2, 6]]);
});

test("many points become few means, and few stay as they are", () => {
  assert.deepEqual(fewer([[1, 2, 3], [4, null, 6]], 3), [[1, 2, 3], [4, null, 6]]);
  assert.deepEqual(fewer([[0, 1, 2, 3, 4], [2, 4, null, null, 10]], 3), [[0.5, 2.5, 4], [3, null, 10]]);
  assert.deepEqual(fewer([], 10), []);
});
