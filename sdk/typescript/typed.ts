// Every verb as a TypeScript program writes it; never run, only checked: `deno check sdk/typescript/typed.ts`. What must
// not pass has a line above that expects the error.
import {
  call, type Call, CallError, Cancelled, config, context, current, emit, Failure, hook, kernel, log, method, on, progress,
  publish, restoreState, run, saveState, secret, service, stream, TimedOut,
} from "./ostoja.mjs";
import type { FromModule, ToModule } from "./door.d.mts";
import { FakeKernel, faultOf } from "./fake_kernel.mjs";

service<{ name: string }>("greeter", "hello", ({ name }, call) => {
  call.progress(0.5, `greeting ${name}`);
  call.signal.throwIfAborted();
  call.check();
  return call.remaining() < 100 ? call.from : name.toUpperCase();
});
service("greeter", { *all(names: string[]) { for (const name of names) yield name; }, one: (_: unknown, call: Call) => call.id });
on<{ at: string }>("clock.tick", async (tick, message) => log.debug(tick.at, { topic: message.topic, of: current()?.traceparent }));
hook("init", () => { if (!config("token")) throw new Failure("no token"); });
hook("ready", async () => {
  try {
    const sum: number = await call<number>("adder", "add", [1, 2], { timeoutMs: 50, onProgress: (done, msg) => log(msg, done) });
    const pieces = stream<string, number>("greeter", "all", ["Ada"]);
    for await (const piece of pieces) log(piece.length + sum);
    const count: number = await pieces.result;
    publish("counted", { count });
  } catch (problem) {
    if (problem instanceof TimedOut || problem instanceof Cancelled) log.warn(problem.message);
    else if (problem instanceof CallError) log.error(problem.error, undefined);
  }
  const listed = await kernel<{ id: string }[]>("module.list");
  log.group("modules", listed.map(({ id }) => ({ msg: id })), { level: "info" });
  const token: string = await secret("token");
  await context.set("seen", token.length, { ttl_ms: 1000, session: "chat" });
  const seen: number = await context.get<number>("seen");
  await emit(seen);
  progress(1);
});
hook("service_available", (name) => log(name.length));
hook("restore", (_state, version) => log(version.length));
saveState(() => ({ kept: 1 }));
restoreState<{ kept: number }>(({ kept }, version) => log(`${kept} of ${version}`));
method("kernel.asks", (params) => params);
const interval: number = config("interval", 1000);
setInterval(() => publish("tick"), interval);

// @ts-expect-error There is no such moment.
hook("nothing", () => {});
// @ts-expect-error A topic is a text.
publish(7);
// @ts-expect-error There is no such level.
log("text", undefined, { level: "loud" });

/** The door's own messages are told apart by `type`. */
export function answer(frame: ToModule): FromModule | undefined {
  switch (frame.type) {
    case "ping":
      return { type: "pong" };
    case "rpc_request":
      return { type: "rpc_response", id: frame.id, error: `no ${frame.service}.${frame.method} for ${frame.from}` };
    case "deliver":
      // @ts-expect-error A delivery has no service.
      return { type: "ack", id: frame.service };
  }
}

export async function tested(): Promise<boolean> {
  const fake = new FakeKernel(["deno", "run", "module.ts"], { env: { LANG: "C" } });
  await fake.start({ greeter: { greeting: "hi" } }, { isFirst: true });
  const reply = await fake.request("greeter", "hello", { name: "Ada" });
  return faultOf(reply) === undefined && (await fake.stop()) === 0 && fake.garbage.length === 0;
}

run();
