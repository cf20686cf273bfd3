// Both languages say the same with the same values.
import assert from "node:assert/strict";
import { test } from "node:test";
import { languageOf, say, sayOf, TABLES, type Word } from "../src/words";

const places = (text: string) => (text.match(/\{\d\}/g) ?? []).sort().join();

test("each sentence has the same places in both languages, and none is empty", () => {
  for (const word of Object.keys(TABLES.en) as Word[]) {
    assert.notEqual(TABLES.en[word], "", word);
    assert.notEqual(TABLES.pl[word], "", word);
    assert.equal(places(TABLES.pl[word]), places(TABLES.en[word]), word);
  }
});

test("values are put in as they are", () => {
  assert.equal(say("en", "readyOf", 1, 2), "1 of 2");
  assert.equal(say("en", "done", "{0} $& <b>"), "Done: {0} $& <b>");
});

test("a word that is not known is shown as it came", () => {
  assert.equal(sayOf("pl", "st", "ready"), "gotowy");
  assert.equal(sayOf("pl", "st", "dreaming"), "dreaming");
  assert.equal(sayOf("en", "st", "constructor"), "constructor");
});

test("a browser that wants Polish before English gets Polish", () => {
  assert.equal(languageOf(["pl-PL", "en"]), "pl");
  assert.equal(languageOf(["en-GB", "pl"]), "en");
  assert.equal(languageOf(["de", "pl"]), "pl");
  assert.equal(languageOf(["de"]), "en");
  assert.equal(languageOf([]), "en");
});
