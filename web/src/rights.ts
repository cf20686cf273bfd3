// What a wish or a new version would change about a module's rights, kind by kind and value by value.

import type { PermissionRow, Rights } from "./types";

/** What became of one right. */
export type Change = "new" | "has" | "gone" | "denied";

export interface RightLine {
  kind: string;
  value: string;
  change: Change;
}

/** Each right of both sides once, sorted by kind and value; what is new comes first within its kind. */
export function difference(before: Rights, after: Rights): RightLine[] {
  const lines: RightLine[] = [];
  for (const kind of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const had = new Set(before[kind] ?? []);
    const wants = new Set(after[kind] ?? []);
    const added = [...wants].filter((value) => !had.has(value)).sort();
    const kept = [...wants].filter((value) => had.has(value)).sort();
    const lost = [...had].filter((value) => !wants.has(value)).sort();
    lines.push(...added.map((value) => ({ kind, value, change: "new" as const })));
    lines.push(...kept.map((value) => ({ kind, value, change: "has" as const })));
    lines.push(...lost.map((value) => ({ kind, value, change: "gone" as const })));
  }
  return lines;
}

/** All of several sets of rights together. */
export function union(...all: (Rights | undefined)[]): Rights {
  const joined: Rights = {};
  for (const rights of all) {
    for (const [kind, values] of Object.entries(rights ?? {})) {
      joined[kind] = [...new Set([...(joined[kind] ?? []), ...values])];
    }
  }
  return joined;
}

/** What a wish would add to what a module has; what it has already stays in sight. */
export function wish(wanted: Rights, row: PermissionRow | undefined): RightLine[] {
  const has = union(row?.base, row?.dynamic);
  return difference(has, union(has, wanted));
}

/** What was approved, what was refused, and what is asked for and not answered. */
export function standing(row: PermissionRow, declared: Rights): RightLine[] {
  const has = union(row.base, row.dynamic);
  const lines = difference(has, union(has, declared));
  const refused = Object.entries(row.denied).flatMap(([kind, values]) =>
    values.map((value) => ({ kind, value, change: "denied" as const })),
  );
  const isRefused = (line: RightLine) =>
    refused.some((other) => other.kind === line.kind && other.value === line.value);
  return [...lines.filter((line) => !isRefused(line)), ...refused];
}
