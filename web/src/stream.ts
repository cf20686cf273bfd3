// A stream of events that is opened again whenever it breaks, from where it broke.

import { headers, refusal } from "./api";
import { Parser, type ServerEvent, waitMs } from "./sse";

/** 40 s without a byte is a dead connection: the server says something every 15 s. */
const SILENCE_MAX_MS = 40_000;

export interface Listener {
  /** An event has come. */
  onEvent(event: ServerEvent): void;
  /** The stream is open. */
  onOpen(): void;
  /** The stream is closed; 401 when the session is over, 0 when nobody answers. It is tried again, but after 401. */
  onClosed(status: number): void;
}

/** Follows `path`; the function that comes back ends it. */
export function follow(path: string, listener: Listener): () => void {
  const ended = new AbortController();
  let lastId: string | null = null;
  let attempt = 0;

  const once = async (): Promise<number> => {
    const broken = new AbortController();
    const stop = () => broken.abort();
    ended.signal.addEventListener("abort", stop);
    let watch = setTimeout(stop, SILENCE_MAX_MS);
    try {
      const asked = { ...headers(false, false), Accept: "text/event-stream" };
      const response = await fetch(`/api/v1${path}`, {
        headers: lastId === null ? asked : { ...asked, "Last-Event-ID": lastId },
        credentials: "same-origin",
        cache: "no-store",
        signal: broken.signal,
      });
      if (!response.ok || response.body === null) return (await refusal(response)).status;
      attempt = 0;
      listener.onOpen();
      const parser = new Parser();
      parser.lastId = lastId;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 0;
        clearTimeout(watch);
        watch = setTimeout(stop, SILENCE_MAX_MS);
        for (const event of parser.push(value)) {
          lastId = event.id;
          listener.onEvent(event);
        }
      }
    } catch {
      return 0;
    } finally {
      clearTimeout(watch);
      ended.signal.removeEventListener("abort", stop);
    }
  };

  const run = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const status = await once();
      if (ended.signal.aborted) return;
      listener.onClosed(status);
      if (status === 401) return;
      await pause(waitMs(attempt, Math.random()), ended.signal);
      attempt += 1;
    }
  };
  void run();
  return () => ended.abort();
}

/** Waits; a page that comes to the front, or a network that comes back, waits no longer. */
function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      for (const [target, name] of wakers) target.removeEventListener(name, over);
      resolve();
    };
    const wakers: [EventTarget, string][] = [
      [window, "online"],
      [window, "focus"],
      [ended, "abort"],
    ];
    const timer = setTimeout(over, ms);
    for (const [target, name] of wakers) target.addEventListener(name, over);
  });
}
