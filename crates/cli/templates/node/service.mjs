// @NAME@: a service. Call it: ostoja call @NAME@ hello '{"name": "Ada"}'
import { config, run, service } from "./ostoja.mjs";

service("@NAME@", {
  hello({ name = "world" } = {}) {
    console.log(`greeting ${name}`); // Becomes a log line.
    return `${config("greeting", "hello")} ${name}`;
  },
});

run();
