// @ts-self-types="./ostoja.d.mts"
// @ts-check
/**
 * Write a module for the Ostoja kernel in TypeScript or JavaScript. One file without dependencies, the same for
 * Node 18 or newer, Deno and Bun; `ostoja.d.mts` beside it holds the types for editors and type checkers.
 *
 *     import { config, log, on, publish, run, service } from "./ostoja.mjs";
 *
 *     service("greeter", { hello: ({ name = "world" }) => `${config("greeting", "hello")} ${name}` });
 *     on("clock.tick", (tick) => log.debug("tick", tick));
 *     run();
 *
 * The kernel starts the file as a child process and speaks JSON lines over its stdin and stdout. `run` takes stdout
 * away first, so that a stray `console.log` becomes a log line instead of a broken message.
 *
 * Everything runs on the one thread of the event loop: calls beside each other as far as they await, the hooks one
 * after another, and the `on` handlers one after another, so that messages of one sender stay in order. A handler
 * that computes for long without awaiting holds up the answers to the kernel's pings.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { Buffer } from "node:buffer";
import { Console } from "node:console";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { Writable } from "node:stream";
import { isatty } from "node:tty";

const CALLS_RUNNING_MAX = 1024; // calls: the kernel's own bound of unanswered calls; past it the answer is `overloaded`
const DELIVERIES_QUEUED_MAX = 4096; // messages: a slow `on` handler loses the newest, counted in the log
const STREAM_WINDOW = 16; // chunks: what may be sent before the reader of a stream grants more
const CREDIT_WAIT_MS = 30_000; // a stream whose reader grants nothing for this long is given up
const CALL_WAIT_MS = 3_600_000; // the kernel answers every call long before; this ends a wait on a broken kernel
const DRAIN_MS = 4_000; // for running handlers and the shutdown hooks, inside the kernel's default grace of 5 s
const LINE_BYTES_MAX = 1 << 20; // the kernel drops longer lines, so they are refused here, where the cause is known
const INBOUND_BYTES_MAX = 16 << 20; // a longer line from the kernel is dropped: bounds memory on a broken pipe
const PRINT_CHARS_MAX = 8192; // a longer printed line becomes several log lines
const NAME_UNITS_MAX = 256; // UTF-16 units: the contract's bound for ids, services, methods and topics
const EXIT_MISUSE = 64; // EX_USAGE: started by hand
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];
const NAME_FIELDS = ["type", "id", "topic", "service", "method", "from"]; // Always strings on the module door.
const HOOKS = ["install", "init", "ready", "service_available", "config", "save", "restore", "shutdown"];
const deno = /** @type {any} */ (globalThis).Deno;

/** Throw it in a handler: its text is the error that the caller gets, without a stack in the log. */
export class Failure extends Error {}

/** A call was answered with an error; `error` is the text, such as `service_not_found` or `forbidden`. */
export class CallError extends Failure {
  /** @param {string} error @param {string} [target] */
  constructor(error, target = "") {
    super(target ? `${target}: ${error}` : error);
    this.name = new.target.name;
    this.error = error;
  }
}

/** The call was given up, by this side or by the other. */
export class Cancelled extends CallError {}

/** No answer within the time given. */
export class TimedOut extends CallError {}

/** @param {string} error @param {string} target */
function callError(error, target) {
  if (error === "cancelled") return new Cancelled(error, target);
  return ["timeout", "deadline_exceeded"].includes(error) ? new TimedOut(error, target) : new CallError(error, target);
}

/** Checks a name where it is given: the kernel would only drop the message. @param {any} value @param {string} what */
function name(value, what) {
  if (typeof value !== "string") throw new TypeError(`${what} must be a string, not ${typeof value}`);
  if (value.length > NAME_UNITS_MAX) throw new RangeError(`${what} exceeds ${NAME_UNITS_MAX} chars (${value.length})`);
  return value;
}

// --- The door: two pipes, and what used to be stdout ---------------------------------------------------------------

let out = -1; // The descriptor of the kernel's pipe; -1 before `run`.
let isGone = false; // The kernel reads no more.

/** One frame as a line. Throws when it is no JSON or longer than the kernel takes. @param {any} frame */
function toLine(frame) {
  let text = JSON.stringify(frame);
  // Half a surrogate pair is no character: JSON.stringify writes it as an escape that other languages refuse.
  if (text.includes("\\ud")) text = text.replace(/\\(\\|ud[89a-f]..)/g, (all, what) => (what === "\\" ? all : "?"));
  const line = Buffer.from(text + "\n");
  if (line.length <= LINE_BYTES_MAX) return line;
  throw new RangeError(`${frame.type} of ${line.length} bytes exceeds the line limit of ${LINE_BYTES_MAX}`);
}

/** Sends one frame, whole: other frames and other modules wait until the pipe has taken it. @param {any} frame */
function send(frame) {
  if (out < 0) throw new Failure("not connected to a kernel: call run() first, and use hook('ready') for early work");
  write(toLine(frame));
}

/** @param {Uint8Array} line */
function write(line) {
  while (line.length > 0 && !isGone) {
    try {
      line = line.subarray(deno ? writeOut(line) : fs.writeSync(out, line));
    } catch (problem) {
      // A full pipe of ours that does not block; anything else means that the kernel is gone, which stdin tells too.
      if (/** @type {any} */ (problem).code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      else isGone = true;
    }
  }
}

/** Deno's own way to write needs no permission. @type {(line: Uint8Array) => number} */
let writeOut = () => 0;

let printed = ""; // What was printed since the last line break.

/** Text that is printed becomes log lines. @param {string | Uint8Array} data */
function print(data) {
  const lines = (printed + (typeof data === "string" ? data : Buffer.from(data).toString())).split("\n");
  printed = lines.pop() ?? "";
  lines.forEach(sayPrinted);
  if (printed.length > PRINT_CHARS_MAX) flushPrinted();
}

function flushPrinted() {
  sayPrinted(printed);
  printed = "";
}

/** @param {string} line */
function sayPrinted(line) {
  for (let at = 0; at < line.length; at += PRINT_CHARS_MAX) {
    const msg = line.slice(at, at + PRINT_CHARS_MAX).trimEnd();
    if (msg !== "") sendLog({ type: "log", level: "info", msg, data: { source: "stdout" } });
  }
}

/** Takes stdout away: what the language prints becomes log frames, and descriptor 1 of children is our stderr. */
function takeStdout() {
  if (deno) {
    const write = deno.stdout.writeSync.bind(deno.stdout);
    writeOut = write;
    deno.stdout.writeSync = (/** @type {Uint8Array} */ data) => (print(data), data.length);
    deno.stdout.write = async (/** @type {Uint8Array} */ data) => deno.stdout.writeSync(data);
  }
  out = 1;
  try {
    // A new descriptor for the same pipe, then 1 itself is closed and taken by the next file that is opened.
    if (!deno) out = fs.openSync("/proc/self/fd/1", "w");
    if (!deno) fs.closeSync(1), fs.openSync("/proc/self/fd/2", "a");
  } catch {
    // Not a pipe, or no /proc: only what the language prints is caught then.
  }
  write(Buffer.from("\n")); // Ends a line that was printed before we came; the kernel skips blank lines.
  process.stdout.write = /** @type {any} */ ((/** @type {any} */ data, /** @type {any} */ encoding, /** @type {any} */ done) => {
    print(data);
    const then = typeof encoding === "function" ? encoding : done;
    if (then) process.nextTick(then);
    return true;
  });
  const stdout = new Writable({ write: (data, _, done) => (print(data), done()) });
  const ours = /** @type {any} */ (new Console({ stdout, stderr: process.stderr }));
  for (const method of ["log", "info", "debug", "dir", "dirxml", "table", "group", "groupCollapsed", "groupEnd", "count", "timeEnd", "timeLog", "time"]) {
    /** @type {any} */ (console)[method] = ours[method].bind(ours);
  }
}

/** Hands every line from the kernel on until it closes the pipe; a line over the limit is left out. */
async function readLines(/** @type {(line: Buffer) => void} */ take) {
  /** @type {Buffer[]} */
  let held = [];
  let bytes = 0;
  const cut = (/** @type {Buffer} */ data) => {
    let from = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, from)) {
      const piece = data.subarray(from, end);
      if (bytes + piece.length <= INBOUND_BYTES_MAX) take(held.length ? Buffer.concat([...held, piece]) : piece);
      held = [];
      bytes = 0;
      from = end + 1;
    }
    bytes += data.length - from;
    if (bytes > INBOUND_BYTES_MAX) held = []; // Too long: only its length is kept, up to its newline.
    else if (from < data.length) held.push(from ? Buffer.from(data.subarray(from)) : data);
  };
  if (deno) {
    const buffer = new Uint8Array(1 << 16);
    for (let n; (n = await deno.stdin.read(buffer)) !== null;) cut(Buffer.from(buffer.slice(0, n)));
  } else {
    process.stdin.on("data", cut);
    await new Promise((done) => process.stdin.on("close", done).on("error", done));
  }
  if (held.length) take(Buffer.concat(held));
}

// --- What arrives ----------------------------------------------------------------------------------------------------

/** What the code that runs now was asked with: lets nested calls hand on trace and deadline by themselves. */
const scope = /** @type {AsyncLocalStorage<Message>} */ (new AsyncLocalStorage());

/** Something that arrived: a delivery, or a `Call`. `traceparent` is its W3C trace context, if it has one. */
export class Message {
  /** @param {any} frame */
  constructor(frame) {
    this.id = frame.id ?? "";
    this.topic = frame.topic ?? "";
    /** @type {string | undefined} */
    this.traceparent = typeof frame.traceparent === "string" ? frame.traceparent : undefined;
    this.deadline = typeof frame.deadline_ms === "number" ? performance.now() + frame.deadline_ms : Infinity;
  }

  /** Milliseconds until the asker stops waiting, never below 0; Infinity when it named no deadline. */
  remaining() {
    return Math.max(0, this.deadline - performance.now());
  }
}

/** The trace and deadline fields of a frame that is sent from inside a handler, or with a time limit. */
function outgoing(timeoutMs = Infinity) {
  const current = scope.getStore();
  /** @type {{traceparent?: string, deadline_ms?: number}} */
  const fields = {};
  const parts = current?.traceparent?.split("-") ?? [];
  if (parts.length >= 4) {
    parts[2] = randomBytes(8).toString("hex"); // Each hop is a span of its own.
    fields.traceparent = parts.join("-");
  }
  const left = Math.min(timeoutMs, current?.remaining() ?? Infinity);
  if (left < Infinity) fields.deadline_ms = Math.max(1, Math.floor(left)); // On the wire: how long from now.
  return fields;
}

/** One call of a service of this module: the second argument of its handler. `signal` aborts when nobody waits. */
export class Call extends Message {
  #credit = STREAM_WINDOW;
  #seq = 0;
  /** Made when it is asked for: most calls never do. @type {AbortController | undefined} */
  #abort;
  /** @type {Error | undefined} */
  #givenUp;
  /** @type {any} */
  #timer;
  /** @type {(() => void)[]} Senders that wait for credit. */
  #waiting = [];
  isAnswered = false;

  /** @param {any} frame */
  constructor(frame) {
    super(frame);
    /** @type {string} */
    this.from = frame.from ?? "";
    /** @type {string} */
    this.service = frame.service ?? "";
    /** @type {string} */
    this.method = frame.method ?? "";
    this.params = frame.params;
    if (this.deadline < Infinity) this.#timer = setTimeout(() => this._giveUp("deadline_exceeded"), this.remaining());
  }

  /** Aborts when the caller gives up or its deadline passes: hand it to `fetch` and the like. */
  get signal() {
    this.#abort ??= new AbortController();
    if (this.#givenUp) this.#abort.abort(this.#givenUp);
    return this.#abort.signal;
  }

  /** Whether nobody waits for the result any more. */
  get cancelled() {
    return this.#givenUp !== undefined || this.remaining() === 0;
  }

  /** Throws `Cancelled` when nobody waits any more: put it into long loops. */
  check() {
    if (this.cancelled) throw new Cancelled("cancelled");
  }

  /** Tells the caller how far the work is: `fraction` from 0 to 1, `msg` for people. @param {number} [fraction] @param {string} [msg] */
  progress(fraction, msg) {
    if (!this.isAnswered) send({ type: "progress", id: this.id, fraction, msg });
  }

  /** Sends one piece of a streamed result; waits while the caller has not taken what was sent before. @param {any} data */
  async emit(data) {
    if (this.#credit <= 0) {
      await new Promise((/** @type {(x?: any) => void} */ done) => {
        const timer = setTimeout(done, Math.min(CREDIT_WAIT_MS, this.remaining()));
        this.#waiting.push(() => (clearTimeout(timer), done()));
      });
    }
    this.check();
    if (this.#credit <= 0) throw new Failure("the caller does not read the stream");
    this.#credit -= 1;
    if (!this.isAnswered) send({ type: "chunk", id: this.id, seq: this.#seq++, data: data ?? null });
  }

  /** @param {number} count */
  _grant(count) {
    this.#credit += count;
    for (const go of this.#waiting.splice(0, Math.max(0, this.#credit))) go();
  }

  /** Nobody waits any more: the handler may notice in its own time. @param {string} why */
  _giveUp(why) {
    this.#givenUp ??= callError(why, "");
    this.#abort?.abort(this.#givenUp);
    for (const go of this.#waiting.splice(0)) go();
  }

  /** The one answer; whatever comes after it is not sent. @param {{result?: any, error?: string}} answer */
  _answer({ result, error }) {
    if (this.isAnswered) return;
    this.isAnswered = true;
    clearTimeout(this.#timer);
    try {
      if (this.#seq && error === undefined) send({ type: "end", id: this.id });
      send({ type: "rpc_response", id: this.id, ...(error === undefined ? { result: result ?? null } : { error }) });
    } catch (problem) {
      send({ type: "rpc_response", id: this.id, error: `bad result: ${textOf(problem)}` });
    }
    if (running.get(this.id) === this) running.delete(this.id);
    if (running.size === 0) onIdle();
  }
}

/** The pieces of a streamed result, for `for await`; `result` is what the handler gave after its last piece. */
export class Stream {
  /** @type {any[]} */
  #chunks = [];
  #taken = 0;
  #isOver = false;
  #wake = () => {};

  /** @param {string} id @param {string} target @param {Promise<any>} result */
  constructor(id, target, result) {
    this.id = id;
    this.target = target;
    this.result = result;
    const over = () => this._end();
    result.then(over, over);
  }

  /** @param {any} chunk */
  _push(chunk) {
    if (this.#chunks.length < 2 * STREAM_WINDOW) this.#chunks.push(chunk);
    // The sender ignores its credit: a stream with a hole would be worse than none.
    else giveUp(this.id, new CallError("stream overrun", this.target));
    this.#wake();
  }

  _end() {
    this.#isOver = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    try {
      while (true) {
        if (this.#chunks.length > 0) {
          const chunk = this.#chunks.shift();
          this.#taken += 1;
          if (this.#taken % (STREAM_WINDOW / 2) === 0 && !this.#isOver) send({ type: "credit", id: this.id, n: STREAM_WINDOW / 2 });
          yield chunk;
        } else if (this.#isOver) {
          return await this.result;
        } else {
          await new Promise((/** @type {(x?: any) => void} */ done) => (this.#wake = done));
        }
      }
    } finally {
      this.close();
    }
  }

  /** Gives the call up, if it still runs; leaving the loop early does so too. */
  close() {
    if (!this.#isOver) giveUp(this.id, new Cancelled("cancelled", this.target));
  }
}

// --- What a module offers --------------------------------------------------------------------------------------------

/** @typedef {(params: any, call: Call) => any} Handler */
/** @type {Map<string, Map<string, Handler>>} */
const services = new Map();
/** @type {Map<string, ((payload: any, message: Message) => any)[]>} */
const topics = new Map();
/** @type {Map<string, (params: any) => any>} */
const methods = new Map();
/** @type {Map<string, ((...args: any[]) => any)[]>} */
const hooks = new Map(HOOKS.map((hook) => [hook, []]));

/** Offers methods of a service: `service("s", { method(params, call) {} })`, an instance of a class, or
 * `service("s", "method", handler)`. A generator's pieces are streamed. @param {string} service_ @param {any} what @param {Handler} [handler] */
export function service(service_, what, handler) {
  const offered = services.get(name(service_, "service")) ?? new Map();
  services.set(service_, offered);
  if (typeof what === "string") return void offered.set(name(what, "method"), handler);
  for (let level = what; level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const method of Object.getOwnPropertyNames(level)) {
      if (method === "constructor" || method.startsWith("_") || offered.has(method)) continue;
      if (typeof what[method] === "function") offered.set(name(method, "method"), what[method].bind(what));
    }
  }
}

/** Calls the function with the payload of every message on the topic. @param {string} topic @param {any} handler */
export function on(topic, handler) {
  topics.set(name(topic, "topic"), [...(topics.get(topic) ?? []), handler]);
}

/** Calls the function at a moment of the module's life; see `ostoja.d.mts` for which. @param {string} moment @param {any} handler */
export function hook(moment, handler) {
  const list = hooks.get(moment);
  if (!list) throw new RangeError(`unknown hook ${moment}; known are ${HOOKS.join(", ")}`);
  list.push(handler);
}

/** What the function returns is kept when the module is replaced. @type {(handler: any) => void} */
export const saveState = (handler) => hook("save", handler);

/** Gets what `saveState` gave, and the version that gave it, before `ready`. @type {(handler: any) => void} */
export const restoreState = (handler) => hook("restore", handler);

/** Answers a call that the kernel itself makes. @param {string} method_ @param {any} handler */
export function method(method_, handler) {
  methods.set(name(method_, "method"), handler);
}

// --- What a module asks for ------------------------------------------------------------------------------------------

/** @typedef {{target: string, answerType: string, settle: (result: any, error?: Error) => void, onProgress?: any, stream?: Stream}} Pending */
/** @type {Map<string, Pending>} */
const pending = new Map();
let lastId = 0;

/** Sends a message to every other module that listens to the topic. Nobody answers. @param {string} topic @param {any} [payload] */
export function publish(topic, payload = null) {
  send({ type: "publish", topic: name(topic, "topic"), payload, ...outgoing() });
}

/** Calls another module's service. @param {string} service @param {string} method @param {any} [params] @param {any} [options] */
export async function call(service, method, params, options) {
  return await ask("r", service, method, params, options).answer;
}

/** Calls a service whose result comes in pieces. @param {string} service @param {string} method @param {any} [params] @param {any} [options] */
export function stream(service, method, params, options) {
  const { id, answer } = ask("s", service, method, params, options);
  const pieces = new Stream(id, `${service}.${method}`, answer);
  const entry = pending.get(id);
  if (entry) entry.stream = pieces;
  return pieces;
}

/** Asks the kernel itself: `config.set`, `permissions.request`, `service.discover`, … @param {string} method_ @param {any} [params] @param {any} [options] */
export async function kernel(method_, params, options) {
  const frame = { type: "call", method: name(method_, "method"), params };
  return await begin("k", frame, method_, "call:response", options).answer;
}

/** A secret that was granted to this module. @param {string} secret_ */
export const secret = (secret_) => kernel("secret.get", { name: secret_ });

/** Variables that outlive this module, kept by the kernel; changes of watched ones come on the topic `kernel.context`. */
export const context = {
  get: (/** @type {string} */ key, scope = {}) => kernel("context.get", { key, ...scope }),
  set: (/** @type {string} */ key, /** @type {any} */ value, options = {}) => kernel("context.set", { key, value, ...options }),
  delete: (/** @type {string} */ key, scope = {}) => kernel("context.delete", { key, ...scope }),
  list: (options = {}) => kernel("context.list", options),
  watch: (options = {}) => kernel("context.watch", options),
  unwatch: (/** @type {number} */ watch) => kernel("context.unwatch", { watch }),
};

/** @param {string} kind @param {string} service @param {string} method @param {any} params @param {any} options */
function ask(kind, service, method, params, options) {
  const frame = { type: "rpc_request", service: name(service, "service"), method: name(method, "method"), params };
  return begin(kind, frame, `${service}.${method}`, "rpc_response", options);
}

/** Sends a request and remembers who waits. @param {string} kind @param {any} frame @param {string} target @param {string} answerType
 * @param {{timeoutMs?: number, signal?: AbortSignal, onProgress?: any}} [options] */
function begin(kind, frame, target, answerType, { timeoutMs, signal, onProgress } = {}) {
  const id = `${kind}${++lastId}`;
  const inherited = /** @type {Call | undefined} */ (scope.getStore())?.signal;
  const signals = [signal, inherited].filter((one) => one !== undefined);
  if (signals.some((one) => one?.aborted)) throw new Cancelled("cancelled", target);
  send({ ...frame, id, ...outgoing(timeoutMs) });
  /** @type {Promise<any>} */
  const answer = new Promise((resolve, reject) => {
    const timer = setTimeout(() => giveUp(id, new TimedOut("timeout", target)), timeoutMs ?? CALL_WAIT_MS);
    const abort = () => giveUp(id, new Cancelled("cancelled", target));
    for (const one of signals) one?.addEventListener("abort", abort);
    const settle = (/** @type {any} */ result, /** @type {Error | undefined} */ error) => {
      pending.delete(id);
      clearTimeout(timer);
      for (const one of signals) one?.removeEventListener("abort", abort);
      error ? reject(error) : resolve(result);
    };
    pending.set(id, { target, answerType, settle, onProgress });
  });
  answer.catch(() => {}); // Whoever awaits it sees the error; a stream that nobody reads must not end the process.
  return { id, answer };
}

/** Stops waiting for an answer and tells the other side, which may stop working. @param {string} id @param {Error} error */
function giveUp(id, error) {
  const entry = pending.get(id);
  if (!entry) return;
  send({ type: "cancel", id });
  entry.settle(undefined, error);
}

let section = /** @type {any} */ ({});
/** @type {any} */
let manifest = {};

/** This module's own section: `config()` is all of it, `config("a.b", default)` one value. @param {string} [key] @param {any} [default_] */
export function config(key, default_) {
  let value = section;
  for (const part of key ? key.split(".") : []) {
    if (value === null || typeof value !== "object" || Array.isArray(value) || !Object.hasOwn(value, part)) return default_;
    value = value[part];
  }
  return value;
}

/** The kernel never sends another module's section. @param {any} sections */
function takeConfig(sections) {
  const given = sections !== null && typeof sections === "object" ? sections : {};
  const values = Object.values(given);
  section = Object.hasOwn(given, manifest.configKey) ? given[manifest.configKey] : values.length === 1 ? values[0] : given;
}

/** @param {any} frame */
function sendLog(frame) {
  if (out < 0) return void process.stderr.write(`${frame.level}: ${frame.msg}\n`);
  try {
    send(frame);
  } catch (problem) {
    // A log call must not break the code around it.
    send({ type: "log", level: frame.level, msg: `(not shown: ${textOf(problem)})` });
  }
}

/** Writes a log record: `log("text")`, `log.warn("text", data)`, `log.group("text", [{ msg }])`. @type {any} */
export const log = (/** @type {any} */ msg, /** @type {any} */ data, /** @type {any} */ { level = "info", topic } = {}) => {
  if (!LEVELS.includes(level)) throw new RangeError(`unknown level ${level}; known are ${LEVELS.join(", ")}`);
  sendLog({ type: "log", level, msg: String(msg), data, topic });
};
for (const level of LEVELS) log[level] = (/** @type {any} */ msg, /** @type {any} */ data) => log(msg, data, { level });
log.group = (/** @type {any} */ msg, /** @type {any} */ items, /** @type {any} */ { level = "info", data } = {}) =>
  sendLog({ type: "log-group", level, msg: String(msg), items, data });

/** The call or message that the running code handles, or undefined outside of a handler. */
export const current = () => scope.getStore();

function currentCall() {
  const found = scope.getStore();
  if (found instanceof Call) return found;
  throw new Failure("not inside a service method");
}

/** `Call.progress` of the call that the running code handles. @param {number} [fraction] @param {string} [msg] */
export const progress = (fraction, msg) => currentCall().progress(fraction, msg);

/** `Call.emit` of the call that the running code handles. @param {any} data */
export const emit = (data) => currentCall().emit(data);

// --- The talk with the kernel ----------------------------------------------------------------------------------------

/** @type {Map<string, Call>} */
const running = new Map();
let onIdle = () => {};
let isStopping = false;
let queued = 0;
let lost = 0;
let life = Promise.resolve();
let deliveries = Promise.resolve();

/** Connects to the kernel and serves until it says shutdown or closes the pipe; then the process exits with 0. */
export function run() {
  if (isatty(0)) {
    const file = basename(process.argv[1] ?? "this file");
    const command = deno ? "deno run" : "Bun" in globalThis ? "bun" : "node";
    process.stderr.write(
      `${file} is an Ostoja module: the kernel starts it and talks to it over a pipe.\n` +
        `List it in ostoja.yaml (modules: {name: {run: ${command} ${file}}}) and type: ostoja up\n`,
    );
    process.exit(EXIT_MISUSE);
  }
  takeStdout();
  try {
    manifest = JSON.parse(fs.readFileSync(join(dirname(process.argv[1]), "module.json"), "utf8")) ?? {};
  } catch {
    manifest = {}; // Listed in an ostoja.yaml, or not allowed to read: the kernel has read it in any case.
  }
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT"])) process.on(signal, () => stop("signal"));
  readLines(takeLine).then(() => stop("eof"));
}

/** @param {Buffer} line */
function takeLine(line) {
  let frame;
  try {
    const text = line.toString(); // What is no UTF-8 is no JSON either, but for what stands within a text.
    if (text.length < 8 && text.trim() === "") return;
    frame = JSON.parse(text);
  } catch {
    return log.warn("the kernel sent a line that is not JSON", { bytes: line.length });
  }
  const isObject = frame !== null && typeof frame === "object" && !Array.isArray(frame);
  if (isObject && NAME_FIELDS.every((field) => frame[field] === undefined || typeof frame[field] === "string")) take(frame);
  else log.warn("the kernel sent a message that is not of the module door");
}

/** Every kind of frame that the kernel sends; unknown kinds come from a newer kernel and are skipped. @param {any} frame */
function take(frame) {
  const waiting = pending.get(frame.id);
  switch (frame.type) {
    case "ping":
      return send({ type: "pong" });
    case "rpc_request":
      return takeRequest(frame);
    case "rpc_response":
    case "call:response":
      if (!waiting || waiting.answerType !== frame.type) return; // Given up before; a late answer is nobody's.
      return waiting.settle(frame.result, frame.error == null ? undefined : callError(String(frame.error), waiting.target));
    case "deliver":
      return takeDelivery(frame);
    case "call":
      return void serveKernel(frame);
    case "cancel":
      waiting?.settle(undefined, new Cancelled("cancelled", waiting.target));
      running.get(frame.id)?._giveUp("cancelled"), running.get(frame.id)?._answer({ error: "cancelled" });
      return;
    case "credit":
      return typeof frame.n === "number" ? running.get(frame.id)?._grant(frame.n) : undefined;
    case "progress":
      return waiting?.onProgress?.(frame.fraction, frame.msg);
    case "chunk":
      if (waiting?.stream) waiting.stream._push(frame.data);
      // Called without `stream`: the pieces are not wanted, and the sender must not wait for us.
      else if (waiting) send({ type: "credit", id: frame.id, n: 1 });
      return;
    case "end":
      return; // The answer follows, and ends the stream with its result or its error.
    case "shutdown":
      return stop("shutdown");
    case "install":
    case "init":
    case "deps_ready":
    case "service_available":
    case "config:update":
    case "state:save":
    case "state:restore":
      life = life.then(() => live(frame));
  }
}

/** @param {any} frame */
function takeRequest(frame) {
  const call = new Call(frame);
  const offered = services.get(call.service);
  const handler = offered?.get(call.method);
  if (!handler) return call._answer({ error: offered ? `Unknown method: ${call.method}` : "service_not_found" });
  if (isStopping) return call._answer({ error: "shutting down" });
  if (running.size >= CALLS_RUNNING_MAX) return call._answer({ error: "overloaded" });
  if (call.cancelled) return call._answer({ error: "deadline_exceeded" });
  running.set(call.id, call);
  scope.run(call, serve, call, handler);
}

/** @param {Call} call @param {Handler} handler */
function serve(call, handler) {
  const fail = (/** @type {unknown} */ problem) =>
    call._answer({ error: explain(problem, `${call.service}.${call.method}`, call) });
  try {
    let result = handler(call.params, call);
    if (typeof result?.next === "function") result = emitAll(call, result);
    // A result that is there already needs no turn of the loop.
    if (typeof result?.then !== "function") call._answer({ result });
    else result.then((/** @type {any} */ value) => call._answer({ result: value }), fail);
  } catch (problem) {
    fail(problem);
  }
}

/** Sends what a generator yields; what it returns is the result. @param {Call} call @param {any} pieces */
async function emitAll(call, pieces) {
  try {
    for (let step = await pieces.next(); ; step = await pieces.next()) {
      if (step.done) return step.value;
      await call.emit(step.value);
    }
  } finally {
    await pieces.return?.();
  }
}

/** @param {any} frame */
async function serveKernel(frame) {
  const handler = methods.get(frame.method);
  try {
    if (!handler) throw new Failure(`Unknown method: ${frame.method}`);
    send({ type: "call:response", id: frame.id, result: (await handler(frame.params)) ?? null });
  } catch (problem) {
    send({ type: "call:response", id: frame.id, error: explain(problem, `kernel call ${frame.method}`) });
  }
}

/** @param {any} frame */
function takeDelivery(frame) {
  if (queued >= DELIVERIES_QUEUED_MAX) {
    lost += 1; // Told at 1, 2, 4, 8: a flood must not flood the log.
    if ((lost & (lost - 1)) === 0) log.warn("messages lost, the handlers are too slow", { lost });
    return;
  }
  queued += 1;
  deliveries = deliveries.then(() => deliver(frame)).finally(() => (queued -= 1));
}

/** @param {any} frame */
async function deliver(frame) {
  const message = new Message(frame);
  try {
    for (const handler of topics.get(message.topic) ?? []) await scope.run(message, handler, frame.payload ?? null, message);
    send({ type: "ack", id: message.id });
  } catch (problem) {
    send({ type: "nack", id: message.id, error: explain(problem, `handler of topic ${message.topic}`) });
  }
}

/** @param {unknown} problem */
function textOf(problem) {
  return problem instanceof Error ? problem.message : String(problem);
}

/** The error text for the other side; what was not thrown on purpose also goes to the log, with its place.
 * @param {unknown} problem @param {string} where @param {Call} [call] */
function explain(problem, where, call) {
  if (problem instanceof Cancelled || call?.cancelled) return "cancelled";
  if (problem instanceof Failure) return problem.message;
  const text = problem instanceof Error ? `${problem.name}: ${problem.message}` : String(problem);
  log.error(`${where} failed: ${text}`, { stack: problem instanceof Error ? problem.stack : undefined });
  return text;
}

/** @param {string} moment @param {any[]} args */
async function runHooks(moment, ...args) {
  let result;
  for (const handler of hooks.get(moment) ?? []) result = await handler(...args);
  return result;
}

/** One step of the life, one after another. @param {any} frame */
async function live(frame) {
  try {
    if (frame.type === "install") await runHooks("install");
    else if (frame.type === "service_available") await runHooks("service_available", frame.service);
    else if (frame.type === "deps_ready") runHooks("ready").catch((problem) => explain(problem, "ready hook"));
    else if (frame.type === "init") {
      takeConfig(frame.config);
      await runHooks("init");
      send({ type: "ready", manifest: readyManifest() });
    } else if (frame.type === "config:update") {
      takeConfig(frame.config);
      await runHooks("config", config());
    } else if (frame.type === "state:save") {
      const state = (await runHooks("save")) ?? null;
      send({ type: "state:saved", id: frame.id, state, version: String(manifest.version ?? "0") });
    } else {
      await runHooks("restore", frame.state ?? null, frame.version);
      send({ type: "state:restored", id: frame.id });
    }
  } catch (problem) {
    const error = explain(problem, frame.type);
    const id = frame.type === "init" ? "init" : frame.id;
    if (["init", "state:save", "state:restore"].includes(frame.type)) send({ type: "nack", id, error });
    if (frame.type === "init") end(1);
  }
}

/** The manifest of module.json; what the code offers and the file does not say is worth a warning. */
function readyManifest() {
  for (const [field, offered] of /** @type {const} */ ([["provides", services], ["subscribes", topics]])) {
    const declared = [...(manifest[field] ?? []), ...(manifest.capabilities?.topics ?? [])];
    const missing = [...offered.keys()].filter((one) => !declared.includes(one)).sort();
    if (manifest.id && missing.length > 0) {
      log.warn(`module.json lacks ${missing.join(", ")} in \`${field}\`: the kernel will not know`);
    }
    manifest[field] ??= [...offered.keys()].sort();
  }
  return manifest;
}

/** Begins the end, once. On `eof` nobody hears us any more, so running calls are not waited for. @param {string} why */
async function stop(why) {
  if (isStopping) return;
  isStopping = true;
  setTimeout(end, DRAIN_MS, 0);
  if (why !== "eof" && running.size > 0) {
    await new Promise((/** @type {(x?: any) => void} */ done) => (onIdle = done, setTimeout(done, DRAIN_MS / 2)));
  }
  for (const { settle, target } of [...pending.values()]) settle(undefined, new CallError("shutting down", target));
  try {
    await runHooks("shutdown");
  } catch (problem) {
    explain(problem, "shutdown");
  }
  end(0);
}

/** @param {number} code */
function end(code) {
  flushPrinted();
  process.exit(code);
}
