// The graph's picture: same graph, same picture; nothing overlaps; circles end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NODE_HEIGHT, picture } from "../src/layout";
import type { Graph } from "../src/types";

const graph = (names: string[], edges: [string, string][]): Graph => ({
  nodes: names.map((id) => ({ id, status: "ready", zone: "stable", provides: [], framesPerS: null })),
  edges: edges.map(([from, to]) => ({ from, to, kind: "calls", name: to })),
});

const SHOP = graph(
  ["front", "shop", "cart", "db", "mail", "alone"],
  [["front", "shop"], ["shop", "cart"], ["cart", "db"], ["shop", "db"], ["front", "mail"], ["shop", "nobody"], ["db", "db"]],
);

test("the same graph gives the same picture, in whatever order it came", () => {
  const turned = { nodes: [...SHOP.nodes].reverse(), edges: SHOP.edges };
  assert.deepEqual(picture(turned, 10), picture(SHOP, 10));
});

test("who asks stands left of who answers, and no two modules overlap", () => {
  const { nodes, edges, width, height } = picture(SHOP, 10);
  const at = new Map(nodes.map((placed) => [placed.node.id, placed]));
  assert.equal(nodes.length, 6);
  assert.equal(edges.length, 5, "edges to nobody and to oneself are left out");
  for (const { edge } of edges) assert.ok((at.get(edge.from)?.x ?? 0) < (at.get(edge.to)?.x ?? 0), `${edge.from} ${edge.to}`);
  for (const a of nodes) {
    assert.ok(a.x >= 0 && a.y >= 0 && a.x < width && a.y + NODE_HEIGHT <= height);
    for (const b of nodes) assert.ok(a === b || a.x !== b.x || Math.abs(a.y - b.y) >= NODE_HEIGHT);
  }
});

test("an arrow over several columns goes past the modules between", () => {
  const chain = graph(["a", "b", "c"], [["a", "b"], ["b", "c"], ["a", "c"]]);
  const { nodes, edges } = picture(chain, 10);
  const middle = nodes.find((placed) => placed.node.id === "b");
  const long = edges.find(({ edge }) => edge.from === "a" && edge.to === "c");
  const straight = /H([\d.]+)/.exec(long?.path ?? "");
  assert.ok(straight !== null, "it has a place of its own in the middle column");
  const y = Number(/ ([\d.]+)H/.exec(long?.path ?? "")?.[1]);
  assert.ok(y < (middle?.y ?? 0) || y > (middle?.y ?? 0) + NODE_HEIGHT);
});

test("circles end and lose nobody", () => {
  const circle = graph(["a", "b", "c"], [["a", "b"], ["b", "c"], ["c", "a"]]);
  const { nodes, edges } = picture(circle, 10);
  assert.equal(nodes.length, 3);
  assert.equal(edges.length, 3);
  for (const { path } of edges) assert.ok(!path.includes("NaN") && path.startsWith("M"), path);
});

test("modules that talk to nobody fill columns of a bounded height", () => {
  const many = graph(Array.from({ length: 25 }, (_, index) => `m${index}`), []);
  const columns = new Map<number, number>();
  for (const { x } of picture(many, 10).nodes) columns.set(x, (columns.get(x) ?? 0) + 1);
  assert.deepEqual([...columns.values()], [10, 10, 5]);
  assert.equal(picture(graph([], []), 10).nodes.length, 0);
});

test("five hundred modules are laid out within a second", () => {
  const names = Array.from({ length: 500 }, (_, index) => `m${index}`);
  const edges = names.slice(1).map((name, index): [string, string] => [name, `m${Math.floor(index / 4)}`]);
  const began = performance.now();
  picture(graph(names, edges), 10);
  assert.ok(performance.now() - began < 1000, "ten times what it takes on a machine that does nothing else");
});
