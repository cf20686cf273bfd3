// Text that others wrote, made fit to be shown. Names, log lines and facts of events come from programs that nobody
// has to trust; Preact writes them as text and never as markup, and this file takes away what could still mislead.

/** 4,000 characters of one line are shown: more than fits any screen, and a line of a megabyte stalls the page. */
export const LINE_CHARACTERS_MAX = 4000;

// eslint-disable-next-line no-control-regex -- the escape character begins what is removed here.
const TERMINAL_SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

/** Characters that change the order or the visibility of those around them, and all controls but the tab. */
// eslint-disable-next-line no-control-regex -- controls are what is looked for.
const UNSEEN = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The line without colours of a terminal, with unseen characters made visible, and of bounded length. */
export function clean(text: unknown): string {
  const raw = typeof text === "string" ? text : text === undefined || text === null ? "" : JSON.stringify(text);
  const cut = raw.length > LINE_CHARACTERS_MAX ? `${raw.slice(0, LINE_CHARACTERS_MAX)}…` : raw;
  return cut.replace(TERMINAL_SEQUENCES, "").replace(UNSEEN, "\ufffd");
}

/** A value of the configuration or a fact, on one line. */
export function valueText(value: unknown): string {
  return clean(typeof value === "string" ? value : JSON.stringify(value));
}

/** A text in pieces: those that match a search, and those between them. */
export interface Piece {
  text: string;
  isHit: boolean;
}

/** Splits a line by a search, without regard to case; regular expressions of strangers are never run. */
export function pieces(text: string, search: string): Piece[] {
  if (search === "") return [{ text, isHit: false }];
  const low = text.toLowerCase();
  const wanted = search.toLowerCase();
  // Some letters change their length in lower case; then places in one text are not those of the other.
  if (low.length !== text.length) return [{ text, isHit: low.includes(wanted) }];
  const found: Piece[] = [];
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
    if (at > from) found.push({ text: text.slice(from, at), isHit: false });
    found.push({ text: text.slice(at, at + wanted.length), isHit: true });
    from = at + wanted.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), isHit: false });
  return found;
}
