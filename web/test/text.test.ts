// Strangers' text can neither act, nor hide, nor stall.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clean, LINE_CHARACTERS_MAX, pieces, valueText } from "../src/text";

test("colours and orders to a terminal are taken out", () => {
  assert.equal(clean("\u001b[31mred\u001b[0m \u001b]0;title\u0007done"), "red done");
});

test("characters that turn or hide text become visible", () => {
  assert.equal(clean("user\u202egnp.exe\u200b"), "user\ufffdgnp.exe\ufffd");
  assert.equal(clean("a\u0000b\nc\rd"), "a\ufffdb\ufffdc\ufffdd");
  assert.equal(clean("a\tb"), "a\tb");
});

test("markup stays as it was written", () => {
  assert.equal(clean("<script>alert(1)</script>"), "<script>alert(1)</script>");
});

test("a line that is too long is cut, one that just fits is not", () => {
  assert.equal(clean("x".repeat(LINE_CHARACTERS_MAX)).length, LINE_CHARACTERS_MAX);
  assert.equal(clean("x".repeat(LINE_CHARACTERS_MAX + 1)), `${"x".repeat(LINE_CHARACTERS_MAX)}…`);
});

test("what is no text is shown as JSON, what is not there as nothing", () => {
  assert.equal(clean({ a: 1 }), '{"a":1}');
  assert.equal(clean(null), "");
  assert.equal(clean(undefined), "");
  assert.equal(valueText(["a"]), '["a"]');
});

test("pieces of a line, put together, are the line", () => {
  const line = "Error: error in ERR";
  const found = pieces(line, "err");
  assert.equal(found.map((piece) => piece.text).join(""), line);
  assert.deepEqual(found.filter((piece) => piece.isHit).map((piece) => piece.text), ["Err", "err", "ERR"]);
});

test("a search is a text and no pattern", () => {
  assert.deepEqual(pieces("aaaa", ".*"), [{ text: "aaaa", isHit: false }]);
  assert.deepEqual(pieces("x", ""), [{ text: "x", isHit: false }]);
});

test("letters that grow in lower case move no marks", () => {
  assert.deepEqual(pieces("İstanbul x", "x"), [{ text: "İstanbul x", isHit: true }]);
});
