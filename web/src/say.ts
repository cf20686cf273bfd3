// What the journal's codes mean, as sentences: the table is the kernel's own, generated into `meanings.json` from the
// Rust sources, so that the dashboard and the command line say the same about the same decision.

import { span } from "./format";
import { clean, valueText } from "./text";
import type { JournalRow } from "./types";
import type { Language } from "./words";

/** A code's sentences and the command that helps with it; empty when there is none. */
export interface Meaning {
  en: string;
  pl: string;
  remedy: string;
}

export type Meanings = Record<string, Meaning>;

/** How much a decision matters to whoever looks at the feed. */
export type Weight = "good" | "soon" | "bad" | "rest";

/** A decision as a sentence; one that the table does not know reads as its code and facts. */
export function sentence(meanings: Meanings, row: JournalRow, language: Language): string {
  const meaning = Object.hasOwn(meanings, row.code) ? meanings[row.code] : undefined;
  return meaning === undefined ? plain(row) : fill(meaning[language], row);
}

/** The command that helps with a decision, or undoes it. */
export function remedy(meanings: Meanings, row: JournalRow): string | null {
  const meaning = Object.hasOwn(meanings, row.code) ? meanings[row.code] : undefined;
  return meaning === undefined || meaning.remedy === "" ? null : fill(meaning.remedy, row);
}

const BAD = new Set([
  "governor.frozen", "governor.killed", "governor.out_of_memory", "health.missed", "journal.broken",
  "journal.damaged", "journal.lost", "kernel.fault", "kernel.trouble", "lane.broken", "module.init_failed",
  "module.killed", "module.quarantined", "module.spawn_failed", "module.unkillable", "permission.gone",
  "ready.timeout", "requires.timeout", "restart.gave_up", "safe_mode.entered", "service.cycle", "service.duplicate",
]);

const GOOD = new Set([
  "module.back", "module.completed", "module.ready", "permission.approved", "permission.granted", "safe_mode.left",
  "governor.eased", "zone.promoted",
]);

/** A decision's weight, by its code. */
export function weight(row: JournalRow): Weight {
  const { code } = row;
  if (code === "module.exited") return /code 0\b/.test(valueText(row.facts["exit"])) ? "rest" : "bad";
  if (BAD.has(code)) return "bad";
  if (GOOD.has(code)) return "good";
  if (/\.(forbidden|refused|requested|withheld|paced|held|waiting|planned|reported)$/.test(code)) return "soon";
  if (code.startsWith("governor.") || code.startsWith("refusals.")) return "soon";
  return "rest";
}

function fill(template: string, row: JournalRow): string {
  return template.replace(/\{([a-z_]+)\}/g, (_, name: string) => value(name, row));
}

function value(name: string, row: JournalRow): string {
  if (name === "module") return clean(row.moduleId ?? "");
  const fact = Object.hasOwn(row.facts, name) ? row.facts[name] : undefined;
  if (fact === undefined) return "?";
  if (typeof fact === "number" && name.endsWith("_ms") && fact >= 0) return span(fact);
  return valueText(fact);
}

function plain(row: JournalRow): string {
  const facts = Object.keys(row.facts).map((name) => `${clean(name)}=${value(name, row)}`);
  return [clean(row.code), ...facts].join(" ");
}
