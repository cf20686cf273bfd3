// Events come out whole, however the stream is cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENT_CHARACTERS_MAX, Parser, WAIT_FIRST_MS, WAIT_MAX_MS, waitMs } from "../src/sse";

const STREAM = ': alive\n\nid: a-1\nevent: record\ndata: {"a":\ndata: 1}\n\ndata:x\r\n\r\nid: a-2\r\rretry: 250\nevent: gone\n\n';

test("a stream gives the same events in pieces of any size", () => {
  const whole = new Parser().push(STREAM);
  assert.deepEqual(whole, [
    { id: "a-1", event: "record", data: '{"a":\n1}' },
    { id: "a-1", event: "message", data: "x" },
  ]);
  for (let size = 1; size < STREAM.length; size += 1) {
    const parser = new Parser();
    const events = [];
    for (let from = 0; from < STREAM.length; from += size) events.push(...parser.push(STREAM.slice(from, from + size)));
    assert.deepEqual(events, whole, `pieces of ${size}`);
    assert.equal(parser.lastId, "a-2");
    assert.equal(parser.retryMs, 250);
  }
});

test("an event that is too long is left out, and what follows it is not", () => {
  const parser = new Parser();
  const long = "x".repeat(EVENT_CHARACTERS_MAX + 10);
  assert.deepEqual(parser.push(`data: ${long}\n\ndata: y\n\n`), [{ id: null, event: "message", data: "y" }]);
});

test("a line without an end takes no more memory than an event may", () => {
  const parser = new Parser();
  for (let index = 0; index < 30; index += 1) assert.deepEqual(parser.push("z".repeat(EVENT_CHARACTERS_MAX / 10)), []);
  assert.deepEqual(parser.push("\n\ndata: after\n\n"), [{ id: null, event: "message", data: "after" }]);
});

test("waits grow to a bound and are never the same for all pages", () => {
  assert.equal(waitMs(0, 1), WAIT_FIRST_MS);
  assert.ok(waitMs(3, 0) < waitMs(3, 0.99));
  for (let attempt = 0; attempt < 2000; attempt += 1) assert.ok(waitMs(attempt, 0.99) <= WAIT_MAX_MS);
});
