// @ts-self-types="./fake_kernel.d.mts"
// @ts-check
/**
 * A kernel for tests: starts one module, in any language, and plays the kernel's side of the module door.
 *
 *     const kernel = new FakeKernel(["node", "greeter.mjs"]);
 *     await kernel.start();
 *     assert.equal((await kernel.request("greeter", "hello", { name: "Ada" })).result, "hello Ada");
 *     assert.equal(await kernel.stop(), 0);
 *
 * Nothing here sleeps: every wait is for a frame or an exit, and ends at `DEADLINE_MS` with all that was received.
 * What a module may not say is an error at the next wait, in the words in which the kernel would drop it.
 */
import { spawn } from "node:child_process";
import process from "node:process";

const DEADLINE_MS = 20_000; // A loaded machine starts an interpreter in far less; a hang ends the test, not the day.
const NAME_UNITS_MAX = 256; // UTF-16 units: the contract's bound for ids, services, methods and topics.
const STDERR_CHARS_MAX = 1 << 20; // What is kept of a module's stderr for the failure message.

/** What a module may say, with the names that must be there, in the order in which the kernel looks at them.
 * @type {Record<string, string[]>} */
const NAMES = {
  "ready": [], "log": [], "log-group": [], "pong": [], "ack": ["id"], "nack": ["id"], "publish": ["topic"],
  "call": ["id", "method"], "call:response": ["id"], "rpc_request": ["id", "service", "method"], "rpc_response": ["id"],
  "cancel": ["id"], "progress": ["id"], "chunk": ["id"], "end": ["id"], "credit": ["id"], "state:saved": ["id", "version"],
  "state:restored": ["id"],
};
/** @type {Record<string, string>} */
const COUNTS = { chunk: "seq", credit: "n" };
const WITH_DEADLINE = ["rpc_request", "call", "publish"];

/** @param {any} value */
const isWhole = (value) => Number.isSafeInteger(value) && value >= 0;

/** Why the kernel would drop a message, or undefined. @param {any} frame @returns {string | undefined} */
export function faultOf(frame) {
  if (frame === null || typeof frame !== "object" || Array.isArray(frame)) return "not an object";
  const { type } = frame;
  if (type === undefined) return "type is missing";
  if (typeof type !== "string") return "type is not a string";
  if (!Object.hasOwn(NAMES, type)) return `unknown type: ${type}`;
  for (const field of NAMES[type]) {
    const value = frame[field];
    if (value === undefined) return `${type}: ${field} is missing`;
    // Half a surrogate pair is no character, so such a text is none.
    if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) return `${type}: ${field} is not a string`;
    if (value.length > NAME_UNITS_MAX) return `${type}: ${field} exceeds ${NAME_UNITS_MAX} chars (${value.length})`;
  }
  const count = COUNTS[type];
  if (count && frame[count] === undefined) return `${type}: ${count} is missing`;
  if (count && !isWhole(frame[count])) return `${type}: ${count} is not a whole number`;
  if (WITH_DEADLINE.includes(type) && frame.deadline_ms != null && !isWhole(frame.deadline_ms)) {
    return `${type}: deadline_ms is not a whole number`;
  }
  if (type === "progress" && frame.fraction != null && typeof frame.fraction !== "number") {
    return "progress: fraction is not a number";
  }
  const isItem = (/** @type {any} */ item) => item !== null && typeof item === "object" && !Array.isArray(item);
  if (type === "log-group" && frame.items !== undefined && !(Array.isArray(frame.items) && frame.items.every(isItem))) {
    return "log-group: items is not an array of objects";
  }
  return undefined;
}

/** One module process and what it has said so far. */
export class FakeKernel {
  /** @type {any[]} */
  frames = [];
  /** Lines that were no JSON. @type {string[]} */
  garbage = [];
  /** What the kernel would have dropped, and why. @type {string[]} */
  faults = [];
  stderr = "";
  #taken = new Set();
  #isOver = false;
  #lastId = 0;
  #wake = () => {};

  /** @param {string[]} command @param {{cwd?: string, env?: Record<string, string>}} [options] */
  constructor(command, { cwd, env } = {}) {
    this.process = spawn(command[0], command.slice(1), { cwd, env: { ...process.env, ...env }, stdio: "pipe" });
    this.process.stdout.setEncoding("utf8");
    this.process.stderr.setEncoding("utf8");
    this.process.stdin.on("error", () => {}); // A module that has left reads no more.
    let rest = "";
    this.process.stdout.on("data", (/** @type {string} */ text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") this.#take(line);
      this.#wake();
    });
    this.process.stderr.on("data", (/** @type {string} */ text) => {
      this.stderr = (this.stderr + text).slice(-STDERR_CHARS_MAX);
    });
    /** @type {Promise<number | null>} */
    this.exit = new Promise((resolve) => {
      this.process.on("error", (/** @type {Error} */ error) => (this.stderr += `${command[0]}: ${error.message}`, resolve(null)));
      this.process.on("close", resolve);
    });
    this.exit.then(() => (this.#isOver = true, this.#wake()));
  }

  /** @param {string} line */
  #take(line) {
    let frame;
    try {
      frame = JSON.parse(line);
    } catch {
      return void this.garbage.push(line);
    }
    const fault = faultOf(frame);
    if (fault) this.faults.push(fault);
    else this.frames.push(frame);
  }

  /** Sends one frame. @param {string} type @param {object} [fields] */
  send(type, fields = {}) {
    this.process.stdin.write(JSON.stringify({ type, ...fields }) + "\n");
  }

  /** Takes the module to ready; gives its `ready` frame. @param {object} [config] @param {{isFirst?: boolean}} [options] */
  async start(config = {}, { isFirst = false } = {}) {
    if (isFirst) this.send("install");
    this.send("init", { protocolVersion: "1.0", config, workspacePath: "/home", projectRoot: "/home" });
    const ready = await this.expect("ready");
    this.send("deps_ready");
    return ready;
  }

  /** Sends an `rpc_request` and gives its id. @param {string} service @param {string} method @param {any} [params] @param {object} [fields] */
  ask(service, method, params, fields = {}) {
    const id = `q${++this.#lastId}`;
    this.send("rpc_request", { id, from: "caller", service, method, params, ...fields });
    return id;
  }

  /** Sends an `rpc_request` and waits for its `rpc_response`. @param {string} service @param {string} method @param {any} [params] @param {object} [fields] */
  async request(service, method, params, fields) {
    return await this.expect("rpc_response", { id: this.ask(service, method, params, fields) });
  }

  /** Waits for a frame of this type whose fields have these values; each frame is given once. @param {string} type @param {object} [fields] */
  async expect(type, fields = {}) {
    const wanted = Object.entries({ type, ...fields }).map(([key, value]) => [key, JSON.stringify(value)]);
    const ends = performance.now() + DEADLINE_MS;
    while (true) {
      if (this.faults.length > 0) throw new Error(this.faults.join("; "));
      const found = this.frames.find((frame) =>
        !this.#taken.has(frame) && wanted.every(([key, value]) => JSON.stringify(frame[key]) === value));
      if (found) {
        this.#taken.add(found);
        return found;
      }
      const left = ends - performance.now();
      if (this.#isOver || left <= 0) break;
      await new Promise((/** @type {(x?: any) => void} */ done) => {
        const timer = setTimeout(done, left);
        this.#wake = () => (clearTimeout(timer), done());
      });
    }
    this.process.kill("SIGKILL");
    const said = JSON.stringify(this.frames.slice(-20));
    throw new Error(`expected ${type} ${JSON.stringify(fields)}; the module said ${said}, not JSON: ` +
      `${JSON.stringify(this.garbage.slice(-5))}, stderr: ${this.stderr.slice(-2000)}`);
  }

  /** All frames of a type that came so far. @param {string} type */
  sent(type) {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** Asks the module to finish and gives its exit code; it is killed when it does not. */
  async stop() {
    this.send("shutdown");
    return await this.#end();
  }

  /** What the module sees when the kernel dies; gives its exit code. */
  async vanish() {
    this.process.stdin.end();
    return await this.#end();
  }

  async #end() {
    const timer = setTimeout(() => this.process.kill("SIGKILL"), DEADLINE_MS);
    const code = await this.exit;
    clearTimeout(timer);
    return code;
  }
}
