// Addresses: what is written can be read, and what nobody wrote leads home.
import assert from "node:assert/strict";
import { test } from "node:test";
import { href, PAGES, parse, TABS } from "../src/route";

test("every page and part has an address that leads to it", () => {
  for (const page of PAGES) assert.deepEqual(parse(href({ page })), { page });
  for (const tab of TABS) {
    for (const id of ["web", "a/b", "ż ó", "<img src=x onerror=alert(1)>", "..", "%", "#"]) {
      const route = { page: "module", id, tab } as const;
      assert.deepEqual(parse(href(route)), route);
    }
  }
});

test("an address that stands for nothing is the overview", () => {
  for (const hash of ["", "#", "#/", "#/nothing", "#javascript:alert(1)", "#/__proto__", "#/constructor"]) {
    assert.deepEqual(parse(hash), { page: "overview" });
  }
});

test("a name that can't be read or is too long is the list", () => {
  assert.deepEqual(parse("#/modules/%E0%A4%A"), { page: "modules" });
  assert.deepEqual(parse(`#/modules/${"x".repeat(201)}`), { page: "modules" });
  assert.deepEqual(parse(`#/modules/${"x".repeat(200)}/nothing`), { page: "module", id: "x".repeat(200), tab: "story" });
});
