// @NAME@: a worker. Give it work: ostoja publish @NAME@.jobs '{"text": "a b c"}'
import { log, on, publish, run, service } from "./ostoja.mjs";

let done = 0;

on("@NAME@.jobs", ({ text = "" } = {}) => {
  done += 1;
  const words = String(text).split(/\s+/).filter(Boolean).length;
  log("a job is done", { words });
  publish("@NAME@.done", { words, number: done });
});

service("@NAME@", { count: () => done });

run();
