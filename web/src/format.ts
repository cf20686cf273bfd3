// Numbers and moments as people read them, in the language of the page.

import type { Language } from "./words";

const LOCALES: Record<Language, string> = { en: "en-GB", pl: "pl-PL" };

/** Nothing to show, as one character that a table can hold. */
export const NOTHING = "–";

/** Bytes by 1,024, as memory is counted: `512 B`, `3.4 MiB`. */
export function bytes(count: number | null | undefined, language: Language): string {
  if (count === null || count === undefined || !Number.isFinite(count)) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = Math.abs(count);
  let unit = 0;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const shown = number(Math.sign(count) * value, language, unit === 0 || value >= 99.95 ? 0 : 1);
  return `${shown} ${units[unit]}`;
}

/** A number with so many places behind the point at the most. */
export function number(value: number | null | undefined, language: Language, places = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  return formatter(language, places).format(value);
}

/** Formatters by language and places: making one costs a hundred times what using it does. */
const FORMATTERS = new Map<string, Intl.NumberFormat>();

function formatter(language: Language, places: number): Intl.NumberFormat {
  const key = `${language} ${places}`;
  const present = FORMATTERS.get(key) ?? new Intl.NumberFormat(LOCALES[language], { maximumFractionDigits: places });
  FORMATTERS.set(key, present);
  return present;
}

/** A share of one processor. */
export function percent(value: number | null | undefined, language: Language): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  return `${number(value, language, value < 9.95 ? 1 : 0)} %`;
}

/** A span of time: `40 ms`, `1.5 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`, as the command line says it. */
export function span(spanMs: number | null | undefined): string {
  if (spanMs === null || spanMs === undefined || !Number.isFinite(spanMs)) return NOTHING;
  const ms = Math.max(0, Math.floor(spanMs));
  const s = Math.floor(ms / 1000);
  if (s === 0) return `${ms} ms`;
  if (s < 60) return `${s}.${Math.floor((ms % 1000) / 100)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** The same without what changes every moment, for what is drawn again each second. */
export function age(spanMs: number | null | undefined): string {
  if (spanMs === null || spanMs === undefined || !Number.isFinite(spanMs)) return NOTHING;
  const s = Math.max(0, Math.floor(spanMs / 1000));
  return s < 60 ? `${s} s` : span(s * 1000);
}

/** The time of a day; with the day when it is not that of `nowMs`. */
export function moment(atMs: number, nowMs: number, language: Language): string {
  const at = new Date(atMs);
  const time = at.toLocaleTimeString(LOCALES[language], { hour12: false });
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  const day = at.toLocaleDateString(LOCALES[language], { day: "2-digit", month: "2-digit" });
  return `${day} ${time}`;
}

/** The whole moment, for a tooltip and the `datetime` of a `<time>`. */
export function stamp(atMs: number): string {
  return Number.isFinite(atMs) && Math.abs(atMs) < 8.64e15 ? new Date(atMs).toISOString() : "";
}

/** What a limit bounds, with its unit. */
export function limit(resource: string, bound: number, language: Language): string {
  if (resource === "cpu") return percent(bound / 10, language);
  if (resource === "memory" || resource === "queue_bytes") return bytes(bound, language);
  return number(bound, language);
}
