// @NAME@: a web server of its own beside a service. Look: curl 127.0.0.1:@PORT@
import { createServer } from "node:http";
import { config, hook, run, service } from "./ostoja.mjs";

let visits = 0;

hook("ready", () => {
  const server = createServer((_, response) => {
    visits += 1;
    response.end(`${config("greeting", "hello")} ${visits}\n`);
  });
  server.listen(@PORT@, "127.0.0.1");
});

service("@NAME@", { visits: (): number => visits });

run();
