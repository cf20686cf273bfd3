// The lives of a module, put together from its records: when each began, when it was ready, how it ended.

import type { JournalRow } from "./types";

export interface Life {
  generation: number;
  beganMs: number;
  readyAfterMs: number | null;
  /** The record that ended it; nothing while it runs. */
  end: JournalRow | null;
}

const ENDS = new Set(["module.exited", "module.stopped", "module.killed", "module.completed", "module.spawn_failed", "module.init_failed"]);

/** Newest first. Records without a life tell nothing here. */
export function lives(records: readonly JournalRow[]): Life[] {
  const found = new Map<number, Life>();
  for (const row of records) {
    if (row.generation === null || row.generation === undefined) continue;
    const present: Life = found.get(row.generation) ?? {
      generation: row.generation,
      beganMs: row.tsMs,
      readyAfterMs: null,
      end: null,
    };
    found.set(row.generation, present);
    if (row.code === "module.ready" && typeof row.facts["after_ms"] === "number") present.readyAfterMs = row.facts["after_ms"];
    // The first end tells why; what follows it are its consequences.
    if (ENDS.has(row.code) && present.end === null) present.end = row;
  }
  return [...found.values()].sort((a, b) => b.generation - a.generation);
}
