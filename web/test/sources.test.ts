// What the pages are made of: no way for a stranger's text to become markup or a program, nothing from elsewhere.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const sources = readdirSync("web/src", { recursive: true, encoding: "utf8" }).filter((name) => /\.(ts|tsx|html|css|svg)$/.test(name));
const read = (name: string) => readFileSync(`web/src/${name}`, "utf8");

test("no source turns text into markup or runs it", () => {
  assert.ok(sources.length > 20);
  for (const name of sources.filter((each) => /\.tsx?$/.test(each))) {
    const found = /innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|srcdoc|createContextualFragment/.exec(read(name));
    assert.equal(found?.[0], undefined, name);
  }
});

test("every address in a link is made by the router or is fixed", () => {
  for (const name of sources.filter((each) => each.endsWith(".tsx"))) {
    for (const [, value] of read(name).matchAll(/href=(\{[^}]*\}?|"[^"]*")/g)) {
      assert.match(value ?? "", /^(\{href\(|\{address\}|"#|"licences\.txt")/, `${name}: ${value}`);
    }
  }
});

test("the first file holds no program and no style of its own", () => {
  const page = readFileSync("web/dist/index.html", "utf8");
  assert.doesNotMatch(page, /<style|style=|\son[a-z]+=|javascript:/i);
  for (const [, inside] of page.matchAll(/<script[^>]*>([^<]*)<\/script>/g)) assert.equal(inside, "");
});

test("nothing is asked of another host", () => {
  for (const name of ["index.html", "app.js", "app.css", "icon.svg"]) {
    const text = readFileSync(`web/dist/${name}`, "utf8");
    const addresses = [...text.matchAll(/(?:https?:)?\/\/[a-z0-9-]+\.[a-z0-9.-]+[^\s"'`)]*/gi)].map(([address]) => address);
    assert.deepEqual(addresses.filter((address) => !address.startsWith("http://www.w3.org/")), [], name);
    assert.doesNotMatch(text, /@import|url\((?!["']?#)/, name);
  }
});

test("every file of the sources says at its top what it holds", () => {
  for (const name of sources.filter((each) => /\.tsx?$/.test(each))) assert.match(read(name), /^\/\/ [A-Z]/, name);
});
