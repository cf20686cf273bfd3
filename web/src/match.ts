// How well a few typed letters fit a name: letters in order, better at the start of words and side by side.

/** A score, higher for a better fit; `null` when the letters do not come in this order. */
export function fit(typed: string, text: string): number | null {
  const wanted = typed.trim().toLowerCase();
  const low = text.toLowerCase();
  if (wanted === "") return 0;
  const whole = low.indexOf(wanted);
  if (whole >= 0) return 1000 + (isStart(low, whole) ? 500 : 0) - bulk(low);
  let score = 0;
  let at = -1;
  for (const letter of wanted.replace(/\s+/g, "")) {
    const next = low.indexOf(letter, at + 1);
    if (next < 0) return null;
    score += next === at + 1 ? 3 : isStart(low, next) ? 2 : 0;
    at = next;
  }
  return score - bulk(low);
}

/** The entries that fit, best first; equals stay in their order. */
export function best<T>(typed: string, entries: readonly T[], textOf: (entry: T) => string, max: number): T[] {
  return entries
    .map((entry) => ({ entry, score: fit(typed, textOf(entry)) }))
    .filter((each): each is { entry: T; score: number } => each.score !== null)
    .sort((a, b) => b.score - a.score)
    .slice(0, max)
    .map((each) => each.entry);
}

/** Longer names fit less; a few letters more or less change no order. */
function bulk(text: string): number {
  return Math.floor(text.length / 8);
}

function isStart(text: string, at: number): boolean {
  return at === 0 || /[^\p{L}\p{N}]/u.test(text[at - 1] ?? " ");
}
