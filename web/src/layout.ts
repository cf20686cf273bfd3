// Places for the modules of the graph: in columns, so that an arrow goes from left to right wherever no circle
// forbids it, and in an order within each column that keeps arrows short. Same graph, same picture.

import type { Graph, GraphEdge, GraphNode } from "./types";

/** Sizes in the picture's own units, which are CSS pixels at full size. */
export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 48;
export const COLUMN_GAP = 84;
export const ROW_GAP = 18;
export const MARGIN = 16;

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

/** Draws a graph; edges to modules that are not there are left out. */
export function picture(graph: Graph, rowsMax: number): Picture {
  const nodes = [...graph.nodes].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const known = new Set(nodes.map((node) => node.id));
  const edges = graph.edges.filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to);
  const columns = ordered(columnsOf(nodes, edges, Math.max(1, rowsMax)), edges);
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const height = MARGIN * 2 + tallest * (NODE_HEIGHT + ROW_GAP) - ROW_GAP;
  const width = MARGIN * 2 + Math.max(1, columns.length) * (NODE_WIDTH + COLUMN_GAP) - COLUMN_GAP;
  const placed: Placed[] = columns.flatMap((column, index) => {
    const top = (height - (column.length * (NODE_HEIGHT + ROW_GAP) - ROW_GAP)) / 2;
    return column.map((node, row) => ({
      node,
      x: MARGIN + index * (NODE_WIDTH + COLUMN_GAP),
      y: top + row * (NODE_HEIGHT + ROW_GAP),
    }));
  });
  const byId = new Map(placed.map((each) => [each.node.id, each]));
  const drawn = edges.flatMap((edge) => {
    const from = byId.get(edge.from);
    const to = byId.get(edge.to);
    return from === undefined || to === undefined ? [] : [{ edge, path: curve(from, to) }];
  });
  return { nodes: placed, edges: drawn, width, height };
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

/** Moves each node to the mean place of its neighbours, from the left and from the right in turn. */
function ordered(columns: GraphNode[][], edges: GraphEdge[]): GraphNode[][] {
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  let present = columns;
  for (let round = 0; round < ROUNDS; round += 1) {
    const place = new Map<string, number>();
    for (const column of present) {
      column.forEach((node, row) => place.set(node.id, (row + 0.5) / column.length));
    }
    const wanted = (node: GraphNode): number => {
      const places = (neighbours.get(node.id) ?? []).map((id) => place.get(id) ?? 0.5);
      return places.length === 0 ? (place.get(node.id) ?? 0.5) : places.reduce((a, b) => a + b, 0) / places.length;
    };
    present = present.map((column, index) =>
      index % 2 === round % 2 ? column : [...column].sort((a, b) => wanted(a) - wanted(b)),
    );
  }
  return present;
}

function curve(from: Placed, to: Placed): string {
  const middleFrom = from.y + NODE_HEIGHT / 2;
  const middleTo = to.y + NODE_HEIGHT / 2;
  if (to.x > from.x) {
    const x1 = from.x + NODE_WIDTH;
    const bend = Math.max(COLUMN_GAP / 2, (to.x - x1) / 2);
    return `M${x1} ${middleFrom}C${x1 + bend} ${middleFrom} ${to.x - bend} ${middleTo} ${to.x} ${middleTo}`;
  }
  // Backwards or within one column: around, below both.
  const x1 = from.x + NODE_WIDTH;
  const x2 = to.x + NODE_WIDTH;
  const out = Math.max(x1, x2) + COLUMN_GAP / 2;
  return `M${x1} ${middleFrom}C${out} ${middleFrom} ${out} ${middleTo} ${x2} ${middleTo}`;
}
