// Places for the modules of the graph: in columns, so that an arrow goes from left to right wherever no circle
// forbids it, and in an order within each column that keeps arrows short. Same graph, same picture.

import type { Graph, GraphEdge, GraphNode } from "./types";

/** Sizes in the picture's own units, which are CSS pixels at full size. */
export const NODE_WIDTH = 156;
export const NODE_HEIGHT = 48;
export const COLUMN_GAP = 64;
export const ROW_GAP = 18;
export const MARGIN = 16;
/** What an arrow takes up that passes a column. */
export const PASSAGE_HEIGHT = 8;

/** 8 rounds of ordering: more change nothing visible. */
const ROUNDS = 8;

export interface Placed {
  node: GraphNode;
  x: number;
  y: number;
}

export interface Picture {
  nodes: Placed[];
  edges: { edge: GraphEdge; path: string }[];
  width: number;
  height: number;
}

/** What takes up a place in a column: a module, or an arrow that passes by on its way. */
interface Item {
  id: string;
  node: GraphNode | null;
}

/** Draws a graph; edges to modules that are not there are left out. */
export function picture(graph: Graph, rowsMax: number): Picture {
  const nodes = [...graph.nodes].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const known = new Set(nodes.map((node) => node.id));
  const edges = graph.edges.filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to);
  const columns: Item[][] = columnsOf(nodes, edges, Math.max(1, rowsMax)).map((column) =>
    column.map((node) => ({ id: node.id, node })),
  );
  const { ways, links } = passages(columns, edges);
  const sorted = ordered(columns, links);
  const tall = (column: Item[]) => column.reduce((sum, item) => sum + heightOf(item) + ROW_GAP, -ROW_GAP);
  const height = MARGIN * 2 + Math.max(NODE_HEIGHT, ...sorted.map(tall));
  const width = MARGIN * 2 + Math.max(1, columns.length) * (NODE_WIDTH + COLUMN_GAP) - COLUMN_GAP;
  const spots = new Map<string, Spot>();
  const placed: Placed[] = [];
  sorted.forEach((column, index) => {
    const x = MARGIN + index * (NODE_WIDTH + COLUMN_GAP);
    let y = (height - tall(column)) / 2;
    for (const item of column) {
      spots.set(item.id, { left: x, right: x + NODE_WIDTH, middle: y + heightOf(item) / 2 });
      if (item.node !== null) placed.push({ node: item.node, x, y });
      y += heightOf(item) + ROW_GAP;
    }
  });
  const drawn = edges.map((edge, index) => {
    const way = ways[index] ?? [edge.from, edge.to];
    return { edge, path: line(way.flatMap((id) => spots.get(id) ?? [])) };
  });
  return { nodes: placed, edges: drawn, width, height };
}

function heightOf(item: Item): number {
  return item.node === null ? PASSAGE_HEIGHT : NODE_HEIGHT;
}

/** Gives each arrow that goes over several columns a place in those between, so that it crosses no module. */
function passages(columns: Item[][], edges: GraphEdge[]): { ways: string[][]; links: [string, string][] } {
  const column = new Map<string, number>();
  columns.forEach((items, index) => {
    for (const item of items) column.set(item.id, index);
  });
  const shared = new Map<string, string[]>();
  const links: [string, string][] = [];
  const ways = edges.map((edge) => {
    const from = column.get(edge.from) ?? 0;
    const to = column.get(edge.to) ?? 0;
    const key = `${edge.from}\n${edge.to}`;
    const present = shared.get(key);
    if (present !== undefined) return present;
    const way = [edge.from];
    for (let between = from + 1; between < to; between += 1) {
      const item: Item = { id: `${key}\n${between}`, node: null };
      columns[between]?.push(item);
      way.push(item.id);
    }
    way.push(edge.to);
    shared.set(key, way);
    for (let step = 1; step < way.length; step += 1) links.push([way[step - 1] ?? "", way[step] ?? ""]);
    return way;
  });
  return { ways, links };
}

/** Who only asks stands left, who only answers right; who does neither fills columns of its own at the end. */
function columnsOf(nodes: GraphNode[], edges: GraphEdge[], rowsMax: number): GraphNode[][] {
  const level = new Map<string, number>();
  const linked = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  const next = new Map<string, string[]>();
  for (const edge of edges) next.set(edge.from, [...(next.get(edge.from) ?? []), edge.to]);
  // The longest way to each; an edge that closes a circle is passed over, which `open` tells.
  const open = new Set<string>();
  const depth = (id: string): number => {
    const known = level.get(id);
    if (known !== undefined) return known;
    open.add(id);
    let deepest = 0;
    for (const other of next.get(id) ?? []) {
      if (!open.has(other)) deepest = Math.max(deepest, depth(other) + 1);
    }
    open.delete(id);
    level.set(id, deepest);
    return deepest;
  };
  const deepest = Math.max(0, ...nodes.filter((node) => linked.has(node.id)).map((node) => depth(node.id)));
  const columns: GraphNode[][] = linked.size === 0 ? [] : Array.from({ length: deepest + 1 }, () => []);
  for (const node of nodes) {
    if (linked.has(node.id)) columns[deepest - (level.get(node.id) ?? 0)]?.push(node);
  }
  const split = columns.flatMap((column) => chunks(column, Math.max(rowsMax, 12)));
  return [...split, ...chunks(nodes.filter((node) => !linked.has(node.id)), rowsMax)];
}

function chunks<T>(all: T[], size: number): T[][] {
  const cut: T[][] = [];
  for (let from = 0; from < all.length; from += size) cut.push(all.slice(from, from + size));
  return cut;
}

/** Moves each item to the mean place of its neighbours, looking from the left and from the right in turn. */
function ordered(columns: Item[][], links: [string, string][]): Item[][] {
  const neighbours = new Map<string, string[]>();
  for (const [from, to] of links) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  let present = columns;
  for (let round = 0; round < ROUNDS; round += 1) {
    const place = new Map<string, number>();
    for (const column of present) {
      column.forEach((item, row) => place.set(item.id, (row + 0.5) / column.length));
    }
    const wanted = (item: Item): number => {
      const places = (neighbours.get(item.id) ?? []).map((id) => place.get(id) ?? 0.5);
      return places.length === 0 ? (place.get(item.id) ?? 0.5) : places.reduce((a, b) => a + b, 0) / places.length;
    };
    present = present.map((column, index) =>
      index % 2 === round % 2 ? column : [...column].sort((a, b) => wanted(a) - wanted(b)),
    );
  }
  return present;
}

interface Spot {
  left: number;
  right: number;
  middle: number;
}

/** A line through all places of an arrow's way. */
function line(way: Spot[]): string {
  const [first, ...rest] = way;
  if (first === undefined) return "";
  let path = `M${first.right} ${first.middle}`;
  let from = first;
  rest.forEach((to, index) => {
    if (to.left > from.left) {
      const bend = (to.left - from.right) / 2;
      path += `C${from.right + bend} ${from.middle} ${to.left - bend} ${to.middle} ${to.left} ${to.middle}`;
      // Between two bends the line goes straight through its place.
      if (index < rest.length - 1) path += `H${to.right}`;
    } else {
      // Backwards or within one column: around, on the right of both.
      const out = Math.max(from.right, to.right) + COLUMN_GAP / 2;
      path += `C${out} ${from.middle} ${out} ${to.middle} ${to.right} ${to.middle}`;
    }
    from = to;
  });
  return path;
}
