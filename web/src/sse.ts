// Server-sent events over `fetch`: the browser's own EventSource hides why a stream broke and gives up for good on an
// answer that is not 200, and a dashboard has to say what is wrong and come back by itself.

/** One event. */
export interface ServerEvent {
  id: string | null;
  event: string;
  data: string;
}

/** 1,000,000 characters of one event: four times the longest line that a module may say. */
export const EVENT_CHARACTERS_MAX = 1_000_000;

/** The first wait before another try, in milliseconds; doubled each time. */
export const WAIT_FIRST_MS = 250;

/** The longest wait: a kernel that is back is seen within these milliseconds. */
export const WAIT_MAX_MS = 4000;

/** Takes a stream's text in any pieces and gives whole events. */
export class Parser {
  private rest = "";
  private data: string[] = [];
  private event = "";
  private size = 0;
  private isSkipping = false;
  /** The last id that was given, for the next connection. */
  lastId: string | null = null;
  /** How long the server wants us to wait before another try, if it said so. */
  retryMs: number | null = null;

  /** Adds text and gives the events that it completed. */
  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    this.rest += text;
    for (;;) {
      const end = this.rest.search(/\r|\n/);
      if (end < 0) break;
      // A carriage return at the end may be the first half of a line's end.
      if (this.rest[end] === "\r" && end === this.rest.length - 1) break;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith("\r\n", end) ? 2 : 1));
      const event = this.line(line);
      if (event !== null) events.push(event);
    }
    if (this.rest.length > EVENT_CHARACTERS_MAX) {
      this.rest = "data:";
      this.isSkipping = true;
    }
    return events;
  }

  private line(line: string): ServerEvent | null {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (field === "data") {
      this.size += value.length;
      if (this.size > EVENT_CHARACTERS_MAX) this.isSkipping = true;
      else this.data.push(value);
    } else if (field === "event") {
      this.event = value;
    } else if (field === "id" && !value.includes("\u0000")) {
      this.lastId = value;
    } else if (field === "retry" && /^\d{1,7}$/.test(value)) {
      this.retryMs = Number(value);
    }
    return null;
  }

  private dispatch(): ServerEvent | null {
    const { data, event, isSkipping } = this;
    this.data = [];
    this.event = "";
    this.size = 0;
    this.isSkipping = false;
    if (data.length === 0 || isSkipping) return null;
    return { id: this.lastId, event: event || "message", data: data.join("\n") };
  }
}

/** How long to wait before try number `attempt`, from 0; `chance` in [0, 1) keeps many pages from coming at once. */
export function waitMs(attempt: number, chance: number): number {
  const full = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.75 + 0.25 * chance));
}
