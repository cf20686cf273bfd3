// A counter in JavaScript for Node, written against the bare protocol: one JSON object per line on stdin and stdout.
// It counts the messages it hears and tells the numbers to whoever calls it. Types are in JSDoc, so that Node 20 runs
// the file as it is and `tsc --checkJs` can still check it.
// @ts-check
import { createInterface } from "node:readline";

/** @type {Map<string, number>} How often each topic was heard. */
const counts = new Map();

/** Writes one whole line; stdout belongs to the kernel, so `console.log` is made to go to stderr.
 * @param {Record<string, unknown>} frame */
function say(frame) {
  process.stdout.write(JSON.stringify(frame) + "\n");
}
console.log = console.error;

/** The methods of the service `counter`.
 * @type {Record<string, (params: any) => unknown>} */
const methods = {
  /** All counts, or that of one topic: `{"topic": "clock.tick"}`. */
  total: (params) => (params?.topic === undefined ? Object.fromEntries(counts) : counts.get(params.topic) ?? 0),
  reset: () => {
    counts.clear();
    return "reset";
  },
};

/** Answers one call; a mistake in a method is the caller's answer, never the end of the module.
 * @param {{id: string, method: string, params?: unknown}} request */
function answer({ id, method, params }) {
  try {
    if (!Object.hasOwn(methods, method)) throw new Error(`Unknown method: ${method}`);
    say({ type: "rpc_response", id, result: methods[method](params) });
  } catch (problem) {
    say({ type: "rpc_response", id, error: problem instanceof Error ? problem.message : String(problem) });
  }
}

/** @param {any} frame What the kernel says; unknown types are left out, so that a newer kernel does no harm. */
function take(frame) {
  switch (frame.type) {
    case "init":
      say({ type: "ready", manifest: { id: "node-counter", name: "Node counter", provides: ["counter"] } });
      break;
    case "deliver":
      counts.set(frame.topic, (counts.get(frame.topic) ?? 0) + 1);
      say({ type: "ack", id: frame.id });
      break;
    case "rpc_request":
      answer(frame);
      break;
    case "ping":
      say({ type: "pong" });
      break;
    case "shutdown":
      say({ type: "log", level: "info", msg: "counted", data: Object.fromEntries(counts) });
      process.exitCode = 0;
      lines.close();
      process.stdin.destroy();
      break;
  }
}

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on("line", (line) => {
  if (line.trim() !== "") take(JSON.parse(line));
});
// At the end of stdin nothing keeps Node alive any more, so it leaves with 0: no orphans.
