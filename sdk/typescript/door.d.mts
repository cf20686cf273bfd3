// Generated from schema/module-door.json by `cargo xtask schema`; changes here are lost.

/** The ways on which frames can go. */
export type TransportKind = "shm";

/** How urgent a log record is, in the door's own words. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** A lane that the kernel has made for this life of the module. */
export interface LaneOffer {
  /** What it is. */
  kind: TransportKind;
  /** The number of the descriptor that the module was started with. */
  fd: number;
  /** The length of each ring, in bytes. */
  bytes: number;
  /** Which layout the memory has. */
  layout: number;
}

/** One entry of a `log-group`. */
export interface LogItem {
  /** What. */
  msg: string;
  /** More about it. */
  data?: unknown;
}

/** What the kernel says to a module. */
export type ToModule =
  /** The first spawn ever of this module; comes before `init`. */
  | {
      type: "install";
    }
  /** Right after the spawn. */
  | {
      type: "init";
      /** The door's version, `major.minor`. */
      protocolVersion: string;
      /** The module's own section under its `configKey`, or an empty object. */
      config: unknown;
      /** The home folder. */
      workspacePath: string;
      /** The home folder too. */
      projectRoot: string;
      /** A faster way than the pipes; only for modules that asked for it. */
      transport?: LaneOffer;
    }
  /** The last line on the pipe: from now on the kernel's frames come by the lane. */
  | {
      type: "transport";
      /** Which way. */
      kind: TransportKind;
    }
  /** What the module requires is there: it is `ready` now. */
  | {
      type: "deps_ready";
    }
  /** An optional service is up. */
  | {
      type: "service_available";
      /** Which one. */
      service: string;
    }
  /** Are you alive? Answered by `pong`. */
  | {
      type: "ping";
    }
  /** A message on a topic that the module subscribes to. */
  | {
      type: "deliver";
      /** New for each delivery. */
      id: string;
      /** The topic. */
      topic: string;
      /** What was published. */
      payload?: unknown;
      /** W3C Trace Context; only for modules that asked for `trace`. */
      traceparent?: string;
    }
  /** The module's section changed. */
  | {
      type: "config:update";
      /** The new section under its `configKey`. */
      config: unknown;
      /** The names of the sections that changed. */
      changedSections: string[];
    }
  /** The kernel calls the module. Answered by `call:response`. */
  | {
      type: "call";
      /** Names the call in its answer. */
      id: string;
      /** What to do. */
      method: string;
      /** With what. */
      params?: unknown;
      /** How long the caller waits, in milliseconds. */
      deadline_ms?: number;
      /** W3C Trace Context. */
      traceparent?: string;
    }
  /** The answer to the module's own `call`. */
  | {
      type: "call:response";
      /** The call's id. */
      id: string;
      /** What came of it. */
      result?: unknown;
      /** Why nothing came of it. */
      error?: string;
    }
  /** Another module calls a service of this one. Answered by `rpc_response`. */
  | {
      type: "rpc_request";
      /** Names the call in its answer. */
      id: string;
      /** The calling module. */
      from: string;
      /** The service. */
      service: string;
      /** What to do. */
      method: string;
      /** With what. */
      params?: unknown;
      /** How long the caller waits, in milliseconds. */
      deadline_ms?: number;
      /** W3C Trace Context. */
      traceparent?: string;
    }
  /** The answer to the module's own `rpc_request`. */
  | {
      type: "rpc_response";
      /** The call's id. */
      id: string;
      /** What came of it. */
      result?: unknown;
      /** Why nothing came of it. */
      error?: string;
    }
  /** Finish, then exit 0. */
  | {
      type: "shutdown";
    }
  /** The caller gave up. Answered by an answer with the error `cancelled`. */
  | {
      type: "cancel";
      /** The call given up. */
      id: string;
    }
  /** How far a call of this module has come. */
  | {
      type: "progress";
      /** The call. */
      id: string;
      /** 0 to 1. */
      fraction?: number;
      /** What is being done. */
      msg?: string;
    }
  /** One piece of a streamed result. */
  | {
      type: "chunk";
      /** The call. */
      id: string;
      /** The piece's number, from 0. */
      seq: number;
      /** The piece. */
      data?: unknown;
    }
  /** The last piece was sent. */
  | {
      type: "end";
      /** The call. */
      id: string;
    }
  /** So many more pieces may be sent. */
  | {
      type: "credit";
      /** The call. */
      id: string;
      /** How many. */
      n: number;
    }
  /** Give your state. Answered by `state:saved`. */
  | {
      type: "state:save";
      /** Names the request in its answer. */
      id: string;
    }
  /** Take over this state. Answered by `state:restored` or `nack`. */
  | {
      type: "state:restore";
      /** Names the request in its answer. */
      id: string;
      /** What the former life saved. */
      state?: unknown;
      /** The version of the module that saved it. */
      version: string;
    };

/** What a module says to the kernel. */
export type FromModule =
  /** The module has initialised itself. */
  | {
      type: "ready";
      /** Ignored for decisions: the file on disk counts. */
      manifest?: unknown;
      /** Ignored for decisions: the stored approvals count. */
      capabilities?: unknown;
      /** The module has taken the offer of `init`: this is its last line on the pipe. */
      transport?: TransportKind;
    }
  /** A log record. */
  | {
      type: "log";
      /** How urgent. */
      level: LogLevel;
      /** What. */
      msg: string;
      /** More about it. */
      data?: unknown;
      /** A word to sort by. */
      topic?: string;
    }
  /** Several records under one heading, shown as a tree. */
  | {
      type: "log-group";
      /** How urgent. */
      level: LogLevel;
      /** The heading. */
      msg: string;
      /** More about it. */
      data?: unknown;
      /** What stands under the heading. */
      items: LogItem[];
    }
  /** A delivery was dealt with. Information only. */
  | {
      type: "ack";
      /** The delivery. */
      id: string;
    }
  /** A delivery could not be dealt with; with the id `init`, the module's initialisation failed. */
  | {
      type: "nack";
      /** The delivery, or `init`. */
      id: string;
      /** Why. */
      error?: string;
    }
  /** A message for a topic's subscribers. */
  | {
      type: "publish";
      /** The topic. */
      topic: string;
      /** The message. */
      payload?: unknown;
      /** How long the message is worth delivering, in milliseconds. */
      deadline_ms?: number;
      /** W3C Trace Context. */
      traceparent?: string;
    }
  /** The module calls the kernel. Answered by `call:response`. */
  | {
      type: "call";
      /** Names the call in its answer. */
      id: string;
      /** A method of the kernel API. */
      method: string;
      /** With what. */
      params?: unknown;
      /** How long the caller waits, in milliseconds. */
      deadline_ms?: number;
      /** W3C Trace Context. */
      traceparent?: string;
    }
  /** The answer to the kernel's `call`. */
  | {
      type: "call:response";
      /** The call's id. */
      id: string;
      /** What came of it. */
      result?: unknown;
      /** Why nothing came of it. */
      error?: string;
    }
  /** Alive. Answers all outstanding pings. */
  | {
      type: "pong";
    }
  /** The module calls a service of another one. Answered by `rpc_response`. */
  | {
      type: "rpc_request";
      /** The caller's own name for the call. */
      id: string;
      /** The service. */
      service: string;
      /** What to do. */
      method: string;
      /** With what. */
      params?: unknown;
      /** How long the caller waits, in milliseconds. */
      deadline_ms?: number;
      /** W3C Trace Context. */
      traceparent?: string;
    }
  /** The answer to an `rpc_request` that the kernel forwarded. */
  | {
      type: "rpc_response";
      /** The call's id, as it came. */
      id: string;
      /** What came of it. */
      result?: unknown;
      /** Why nothing came of it. */
      error?: string;
    }
  /** The module gives up a call of its own. */
  | {
      type: "cancel";
      /** The call given up. */
      id: string;
    }
  /** How far the module has come with a call. */
  | {
      type: "progress";
      /** The call. */
      id: string;
      /** 0 to 1. */
      fraction?: number;
      /** What is being done. */
      msg?: string;
    }
  /** One piece of a streamed result. */
  | {
      type: "chunk";
      /** The call. */
      id: string;
      /** The piece's number, from 0. */
      seq: number;
      /** The piece. */
      data?: unknown;
    }
  /** The last piece was sent. */
  | {
      type: "end";
      /** The call. */
      id: string;
    }
  /** So many more pieces may be sent. */
  | {
      type: "credit";
      /** The call. */
      id: string;
      /** How many. */
      n: number;
    }
  /** The module's state, as asked for by `state:save`. */
  | {
      type: "state:saved";
      /** The request's id. */
      id: string;
      /** What the next life needs to go on. */
      state?: unknown;
      /** The version of the module that saved it. */
      version: string;
    }
  /** The state was taken over. */
  | {
      type: "state:restored";
      /** The request's id. */
      id: string;
    };
