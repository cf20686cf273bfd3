// A clock in TypeScript for Deno, written against the bare protocol: one JSON object per line on stdin and stdout.
// It publishes `clock.tick` again and again. It needs no permission at all.

/** What the kernel may say; other types are left out, so that a newer kernel does no harm. */
type FromKernel =
  | { type: "init"; config: { clock?: { intervalMs?: number } } }
  | { type: "config:update"; config: { clock?: { intervalMs?: number } } }
  | { type: "deps_ready" }
  | { type: "ping" }
  | { type: "shutdown" };

const INTERVAL_MS_DEFAULT = 1000;
const INTERVAL_MS_MIN = 10; // More than 100 ticks per second help nobody.

let intervalMs = INTERVAL_MS_DEFAULT;
let timer: ReturnType<typeof setInterval> | undefined;
let count = 0;

const encoder = new TextEncoder();

/** Writes one whole line; stdout belongs to the kernel, so `console.log` is not for this file. */
function say(frame: Record<string, unknown>): void {
  let bytes = encoder.encode(JSON.stringify(frame) + "\n");
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

function takeConfig(config: { clock?: { intervalMs?: number } }): void {
  const wanted = Number(config.clock?.intervalMs ?? INTERVAL_MS_DEFAULT);
  intervalMs = Number.isFinite(wanted) ? Math.max(INTERVAL_MS_MIN, wanted) : INTERVAL_MS_DEFAULT;
}

function tick(): void {
  count += 1;
  say({ type: "publish", topic: "clock.tick", payload: { count, at: new Date().toISOString() } });
}

function startTicking(): void {
  clearInterval(timer);
  timer = setInterval(tick, intervalMs);
}

function take(frame: FromKernel): void {
  switch (frame.type) {
    case "init":
      takeConfig(frame.config);
      say({ type: "ready", manifest: { id: "deno-clock", name: "Deno clock" } });
      break;
    case "deps_ready":
      say({ type: "log", level: "info", msg: "ticking", data: { intervalMs } });
      startTicking();
      break;
    case "config:update":
      takeConfig(frame.config);
      if (timer !== undefined) startTicking();
      break;
    case "ping":
      say({ type: "pong" });
      break;
    case "shutdown":
      Deno.exit(0);
  }
}

let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) if (line.trim() !== "") take(JSON.parse(line));
}
// The kernel is gone: leave nothing running.
Deno.exit(0);
