/** A kernel for tests: starts one module, in any language, and plays the kernel's side of the module door. */

/** A message of a module, as it came. */
export type Frame = { type: string } & Record<string, any>;

/** Why the kernel would drop a message, in its words; undefined when it would not. */
export function faultOf(frame: unknown): string | undefined;

/** One module process and what it has said so far. Every wait ends after 20 s with all that was received. */
export class FakeKernel {
  /** Starts the module. `env` is added to the own environment. */
  constructor(command: string[], options?: { cwd?: string; env?: Record<string, string> });
  /** All that the module said, in order. */
  readonly frames: Frame[];
  /** Lines of the module that were no JSON. */
  readonly garbage: string[];
  /** What the kernel would have dropped, and why; the next `expect` throws it. */
  readonly faults: string[];
  /** The end of what the module wrote to stderr. */
  readonly stderr: string;
  /** The exit code, or null when a signal ended the module. */
  readonly exit: Promise<number | null>;
  /** Sends one frame. */
  send(type: string, fields?: object): void;
  /** Takes the module to ready; gives its `ready` frame. `isFirst` is a first start ever. */
  start(config?: object, options?: { isFirst?: boolean }): Promise<Frame>;
  /** Sends an `rpc_request` and gives its id. */
  ask(service: string, method: string, params?: unknown, fields?: object): string;
  /** Sends an `rpc_request` and waits for its `rpc_response`. */
  request(service: string, method: string, params?: unknown, fields?: object): Promise<Frame>;
  /** Waits for a frame of this type whose fields have these values; each frame is given once. */
  expect(type: string, fields?: object): Promise<Frame>;
  /** All frames of a type that came so far. */
  sent(type: string): Frame[];
  /** Asks the module to finish and gives its exit code. */
  stop(): Promise<number | null>;
  /** Closes the pipe, as when the kernel dies; gives the exit code. */
  vanish(): Promise<number | null>;
}
