/**
 * Types of `ostoja.mjs`, which holds the whole SDK. Keep both files beside your module; nothing else is needed.
 * What goes over the wire is in `door.d.mts`, which is generated from the kernel's own types.
 */

/** Throw it in a handler: its text is the error that the caller gets, without a stack in the log. */
export class Failure extends Error {}

/** A call was answered with an error; `error` is the text, such as `service_not_found` or `forbidden`. */
export class CallError extends Failure {
  constructor(error: string, target?: string);
  readonly error: string;
}

/** The call was given up, by this side or by the other. */
export class Cancelled extends CallError {}

/** No answer within the time given. */
export class TimedOut extends CallError {}

/** Something that arrived: a delivery, or a `Call`. */
export class Message {
  readonly id: string;
  /** Empty for a call. */
  readonly topic: string;
  /** W3C trace context, for modules with the feature `trace`; handed on by what the handler sends. */
  readonly traceparent: string | undefined;
  /** Milliseconds until the asker stops waiting, never below 0; Infinity when it named no deadline. */
  remaining(): number;
}

/** One call of a service of this module: the second argument of its handler. */
export class Call<P = any> extends Message {
  /** The id of the calling module. */
  readonly from: string;
  readonly service: string;
  readonly method: string;
  readonly params: P;
  /** Aborts when the caller gives up or its deadline passes: hand it to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** Whether nobody waits for the result any more. */
  readonly cancelled: boolean;
  /** Throws `Cancelled` when nobody waits any more: put it into long loops. */
  check(): void;
  /** Tells the caller how far the work is: `fraction` from 0 to 1, `msg` for people. */
  progress(fraction?: number, msg?: string): void;
  /** Sends one piece of a streamed result; waits while the caller has not taken what was sent before. */
  emit(data: unknown): Promise<void>;
}

/** The pieces of a streamed result, for `for await`; leaving the loop early cancels the call. */
export class Stream<T = any, R = any> implements AsyncIterable<T> {
  /** What the handler returned after its last piece; rejects with what the call was answered with. */
  readonly result: Promise<R>;
  [Symbol.asyncIterator](): AsyncGenerator<T, R, void>;
  /** Gives the call up, if it still runs. */
  close(): void;
}

/**
 * Serves one method. What it returns (or resolves to) is the result, what it throws is the caller's error; the pieces
 * that a generator yields are streamed, and what it returns is the result.
 */
export type Handler<P = any> = (params: P, call: Call<P>) => unknown;

/** Offers one method of a service. */
export function service<P = any>(name: string, method: string, handler: Handler<P>): void;
/** Offers every method of an object, or of an instance of a class; names with a leading `_` are left out. */
export function service(name: string, methods: object): void;

/** Calls the function with the payload of every message on the topic, one message after another. */
export function on<P = any>(topic: string, handler: (payload: P, message: Message) => unknown): void;

/** First start ever. */
export function hook(moment: "install", handler: () => unknown): void;
/** Before `ready`; throwing fails the start. */
export function hook(moment: "init", handler: () => unknown): void;
/** Everything the module needs is up; may run for as long as it likes. */
export function hook(moment: "ready", handler: () => unknown): void;
/** An optional service is up. */
export function hook(moment: "service_available", handler: (service: string) => unknown): void;
/** The module's section of the configuration changed. */
export function hook(moment: "config", handler: (section: any) => unknown): void;
/** See `saveState`. */
export function hook(moment: "save", handler: () => unknown): void;
/** See `restoreState`. */
export function hook(moment: "restore", handler: (state: any, version: string) => unknown): void;
/** The last act, within 4 s. */
export function hook(moment: "shutdown", handler: () => unknown): void;

/** What the function returns is kept when the module is replaced; needs the feature `state`. */
export function saveState(handler: () => unknown): void;
/** Gets what `saveState` gave and the version that gave it, before the module goes to work. */
export function restoreState<S = any>(handler: (state: S, version: string) => unknown): void;
/** Answers a call that the kernel itself makes. */
export function method(name: string, handler: (params: any) => unknown): void;

/** Sends a message to every other module that listens to the topic. Nobody answers. */
export function publish(topic: string, payload?: unknown): void;

export interface CallOptions {
  /** After this many milliseconds the call is given up; without it the kernel's `rpcTimeoutMs` counts. */
  timeoutMs?: number;
  /** Gives the call up when it aborts. A call made inside a handler is given up with the handler's own in any case. */
  signal?: AbortSignal;
  /** Called while the other side works. */
  onProgress?: (fraction: number | undefined, msg: string | undefined) => void;
}

/** Calls another module's service and waits for the result; rejects with `CallError`, `TimedOut` or `Cancelled`. */
export function call<R = any>(service: string, method: string, params?: unknown, options?: CallOptions): Promise<R>;
/** Calls a service whose result comes in pieces. */
export function stream<T = any, R = any>(service: string, method: string, params?: unknown, options?: CallOptions): Stream<T, R>;
/** Asks the kernel itself: `config.set`, `permissions.request`, `service.discover`, … */
export function kernel<R = any>(method: string, params?: unknown, options?: CallOptions): Promise<R>;
/** A secret that was granted to this module. */
export function secret(name: string): Promise<any>;

/** Whose variables: the module's own, unless a session or another module is named, which needs a permission. */
export interface Scope {
  session?: string;
  module?: string;
}

/** Variables that outlive this module, kept by the kernel. */
export const context: {
  get<T = any>(key: string, scope?: Scope): Promise<T>;
  /** With `ttl_ms` the variable is gone after so many milliseconds. */
  set(key: string, value: unknown, options?: Scope & { ttl_ms?: number }): Promise<any>;
  delete(key: string, scope?: Scope): Promise<any>;
  /** A key may end in `*` after a `:` or a `.`; without one it is all of them. */
  list(options?: Scope & { key?: string }): Promise<any>;
  /** Changes come as messages on the topic `kernel.context`; gives what `unwatch` takes. */
  watch(options?: Scope & { key?: string }): Promise<any>;
  unwatch(watch: number): Promise<any>;
};

/** This module's own section of the configuration, all of it. */
export function config(): any;
/** One value of the section, by its dotted key. */
export function config<T = any>(key: string, default_?: T): T;

export type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** Writes a log record. */
export const log: {
  (msg: unknown, data?: unknown, options?: { level?: Level; topic?: string }): void;
  /** One record with parts, shown as a tree. */
  group(msg: unknown, items: { msg: string; data?: unknown }[], options?: { level?: Level; data?: unknown }): void;
} & Record<Level, (msg: unknown, data?: unknown) => void>;

/** The call or message that the running code handles, or undefined outside of a handler. */
export function current(): Message | undefined;
/** `Call.progress` of the call that the running code handles. */
export function progress(fraction?: number, msg?: string): void;
/** `Call.emit` of the call that the running code handles. */
export function emit(data: unknown): Promise<void>;

/** Connects to the kernel and serves until it says shutdown or closes the pipe; then the process exits with 0. */
export function run(): void;
