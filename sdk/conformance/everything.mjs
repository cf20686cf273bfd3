// One module that offers everything that `test_door.py` asks for, on the SDK for TypeScript. `everything.*` in the
// other languages offer the same.
import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
import process from "node:process";
import {
  call, CallError, config, context, emit, Failure, hook, kernel, log, method, on, progress, publish, restoreState, run, saveState,
  secret, service, stream,
} from "../typescript/ostoja.mjs";

process.stdout.write("printed before run");

class Echo {
  text = "bad luck";
  same(params) { return params; }
  fail() { throw new RangeError(this.text); }
  refuse() { throw new Failure("not today"); }
  odd() { return { n: 1n }; }
  big() { return "x".repeat(2 << 20); }
  who(_, call) { return [call.from, call.service, call.method, call.id]; }
  _hidden() { return "no"; }
}
service("echo", new Echo());

let release = () => {};
const released = new Promise((done) => (release = done));

service("work", {
  async hold(_, call) {
    log("holding", { id: call.id });
    await new Promise((done) => {
      const timer = setTimeout(done, 20_000);
      call.signal.addEventListener("abort", () => (clearTimeout(timer), done()));
    });
    log("noticed", { cancelled: call.cancelled });
    return "too late";
  },
  async wait() {
    log("waiting");
    await released;
    return "waited";
  },
  release: () => release(),
  report() {
    progress(0.5, "half");
    progress(undefined, "nearly");
    return "done";
  },
  left(_, call) {
    return call.remaining() === Infinity ? null : call.remaining();
  },
  *count({ to }) {
    for (let n = 0; n < to; n++) yield n;
    return "counted";
  },
});
service("work", "emit", async ({ to }) => {
  for (let n = 0; n < to; n++) await emit(n);
  return "counted";
});

service("relay", {
  async call({ service, method, given, timeoutMs }) {
    try {
      return await call(service, method, given, { timeoutMs, onProgress: (f, m) => log("progress", [f, m]) });
    } catch (problem) {
      if (!(problem instanceof CallError)) throw problem;
      return { kind: problem.constructor.name, error: problem.error, text: problem.message };
    }
  },
  async pass() { return await call("other", "thing"); },
  async stream({ stopAt }) {
    const taken = [];
    const pieces = stream("other", "pieces");
    for await (const piece of pieces) {
      taken.push(piece);
      if (taken.length === stopAt) return taken;
    }
    return [taken, await pieces.result];
  },
  kernel: ({ method, given }) => kernel(method, given),
  secret: ({ name }) => secret(name),
  context: async ({ key, value }) => {
    await context.set(key, value);
    return await context.get(key);
  },
});

service("config", { read: (params) => (params?.key ? config(params.key, "none") : config()) });

service("out", {
  prints() {
    console.log("from the language");
    process.stdout.write("from the stream\n");
    console.log("x".repeat(20_000));
    console.log("   ");
    process.stdout.write("no newline, sent at the end");
  },
  children() {
    spawnSync("sh", ["-c", "echo from a child"], { stdio: ["ignore", "inherit", "inherit"] });
    writeSync(1, "from a library\n");
  },
  logs() {
    log("plain");
    log.warn("careful", { n: 1 });
    log.group("tree", [{ msg: "leaf", data: 2 }], { level: "error" });
    log("topical", undefined, { topic: "t" });
    log("unsendable", { n: 1n });
  },
  publish({ topic }) { publish(topic, { n: 1 }); },
});

on("news", (payload) => log("news", payload));
on("news", async (payload, message) => {
  if (payload === "fail") throw new Error("cannot");
  if (payload === "relay") publish("more", message.topic);
});
method("kernel.asks", (params) => ["answer", params]);

hook("install", () => log("hook install"));
hook("init", () => {
  log("hook init", config());
  if (config("fail")) throw new Failure("no database");
});
hook("ready", () => log("hook ready"));
hook("service_available", (name) => log("hook service", name));
hook("config", (section) => log("hook config", section));
saveState(() => ({ kept: 1 }));
restoreState((state, version) => {
  if (version === "bad") throw new Failure("cannot read that");
  log("hook restore", state);
});
hook("shutdown", async () => log("hook shutdown"));

run();
