// A list of things to do in TypeScript, with the SDK: a service, a streamed result, messages, and state that survives
// the module's replacement. It needs no permission at all.
import { type Call, config, Failure, log, on, publish, restoreState, run, saveState, service } from "./ostoja.mjs";

interface Item {
  text: string;
  isDone: boolean;
}

let items: Item[] = [];

service("todo", {
  /** Adds one: `{"text": "water the plants"}`. Gives its number. */
  add({ text }: { text?: unknown }): number {
    if (typeof text !== "string" || text.trim() === "") throw new Failure("what is there to do? Say it as `text`");
    if (items.length >= config("itemsMax", 100)) throw new Failure("that is enough for one day");
    items.push({ text, isDone: false });
    publish("todo.added", { text, open: open() });
    return items.length;
  },

  /** Ticks one off by its number. */
  done({ number }: { number?: number }): Item {
    const item = items[(number ?? 0) - 1];
    if (!item) throw new Failure(`there is no ${number}`);
    item.isDone = true;
    return item;
  },

  /** Streams all of them, one piece each, and gives how many are open. */
  *list(_: unknown, call: Call): Generator<Item, number> {
    for (const [at, item] of items.entries()) {
      call.progress((at + 1) / items.length);
      yield item;
    }
    return open();
  },
});

on("clock.tick", ({ count }: { count: number }) => {
  if (count % 60 === 0 && open() > 0) console.log(`${open()} things are still to do`); // Becomes a log line.
});

saveState(() => items);
restoreState((saved: Item[], version) => {
  items = saved;
  log(`taken over from version ${version}`, { items: items.length });
});

function open(): number {
  return items.filter((item) => !item.isDone).length;
}

run();
