// Numbers read as the command line says them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { age, bytes, limit, number, percent, span, stamp } from "../src/format";

const plain = (text: string) => text.replace(/\u00a0|\u202f/g, " ");

test("bytes count by 1,024 and change their unit before they need five digits", () => {
  assert.equal(bytes(0, "en"), "0 B");
  assert.equal(bytes(1023, "en"), "1,023 B");
  assert.equal(bytes(1024, "en"), "1 KiB");
  assert.equal(bytes(3_565_158, "en"), "3.4 MiB");
  assert.equal(plain(bytes(3_565_158, "pl")), "3,4 MiB");
  assert.equal(bytes(1024 ** 2 * 1023.99, "en"), "1 GiB");
  assert.equal(bytes(null, "en"), "–");
  assert.equal(bytes(Number.NaN, "en"), "–");
});

test("spans are those of the command line", () => {
  assert.equal(span(40), "40 ms");
  assert.equal(span(999), "999 ms");
  assert.equal(span(1500), "1.5 s");
  assert.equal(span(125_000), "2 min 5 s");
  assert.equal(span(12_000_000), "3 h 20 min");
  assert.equal(span(187_200_000), "2 d 4 h");
  assert.equal(span(undefined), "–");
});

test("an age has no part that changes ten times a second, and none below zero", () => {
  assert.equal(age(59_900), "59 s");
  assert.equal(age(60_000), "1 min 0 s");
  assert.equal(age(-5), "0 s");
});

test("shares and limits carry their unit", () => {
  assert.equal(plain(percent(9.94, "en")), "9.9 %");
  assert.equal(plain(percent(9.96, "en")), "10 %");
  assert.equal(plain(limit("cpu", 500, "en")), "50 %");
  assert.equal(limit("memory", 67_108_864, "en"), "64 MiB");
  assert.equal(plain(limit("processes", 1256, "en")), "1,256");
  assert.equal(number(undefined, "pl"), "–");
});

test("a moment that no calendar has breaks nothing", () => {
  assert.equal(stamp(Number.NaN), "");
  assert.equal(stamp(1e300), "");
  assert.equal(stamp(0), "1970-01-01T00:00:00.000Z");
});
