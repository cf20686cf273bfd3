// A home with a kernel, a few modules that live as modules do, and the dashboard; and a browser to look at it with.
// Nothing here is shared: folders are temporary, ports are those that the system gives.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** What `cargo xtask dashboard` says; beside a checkout that was built, nothing has to be said. */
const MODULES = process.env.OSTOJA_E2E_MODULES ?? path.join(root, "web/node_modules");
const BROWSER = process.env.OSTOJA_E2E_BROWSER ?? "/usr/bin/chromium";
const PROGRAM = process.env.OSTOJA_E2E_PROGRAM ?? path.join(root, "target/debug/ostoja");

const require = createRequire(path.join(MODULES, "playwright-core.js"));
const { chromium } = require("playwright-core");

/** The source of axe-core, which looks for what people with disabilities can't use. */
export const AXE = require.resolve("axe-core/axe.min.js");

/** 60 s for one command: ten times what the slowest takes. */
const COMMAND_MS = 60_000;

/** Text that would act if any page took it for more than text. */
export const HOSTILE = "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>";

/** Greets, so that somebody can be called. */
const GREETER = `
from ostoja import run, service

@service("greeter", "hello")
def hello(name="world"):
    return f"hello {name}"

run()
`;

/** Calls the greeter again and again. */
const CALLER = `
import time
from ostoja import call, hook, run

@hook("ready")
def ready():
    while True:
        call("greeter", "hello", {"name": "caller"})
        time.sleep(0.2)

run()
`;

/** Says and wishes what a hostile module would. */
const MISCHIEF = `
import json, sys, time
from ostoja import hook, kernel, log, run

HOSTILE = ${JSON.stringify(HOSTILE)}

@hook("ready")
def ready():
    print(HOSTILE)
    print(HOSTILE, file=sys.stderr, flush=True)
    log.warn("\\x1b[31mred\\x1b[0m and \\u202eturned", {"<b>": HOSTILE})
    kernel("permissions.request", {"permissions": {"net": ["api.example:443"]}, "reason": HOSTILE})
    while True:
        time.sleep(1)

run()
`;

/** Calls what it may not, by a hostile name, and is ended for it. */
const ROGUE = `
from ostoja import call, hook, run

@hook("ready")
def ready():
    call(${JSON.stringify(HOSTILE)}, "x")

run()
`;

/** A module that comes in packages: it says its version and stays. */
const PARCEL = `#!/bin/sh
echo '{"type":"ready","manifest":{}}'
while read -r line; do
  case "$line" in *'"ping"'*) echo '{"type":"pong"}' ;; *'"shutdown"'*) exit 0 ;; esac
done
`;

/** A port that nobody has now; the dashboard has to come back on the same one after the kernel was killed. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function project(port) {
  const python = (file, more) => ({ run: ["python3", "-B", file], protocol: "lines", env: { PYTHONPATH: path.join(root, "sdk/python") }, ...more });
  return {
    name: "dashboard",
    lifecycle: { restartBaseMs: 300 },
    config: { update: { probation: "500ms" }, "ostoja-web": { start: true, listen: `127.0.0.1:${port}` } },
    modules: {
      greeter: python("greeter.py", { provides: ["greeter"] }),
      caller: python("caller.py", { requires: ["greeter"], limits: { memory: "256M", cpu: "50%" } }),
      mischief: python("mischief.py", { zone: "sandbox" }),
      rogue: python("rogue.py", { max_restarts: 1 }),
      ticker: { run: "n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.2; done", needs: ["greeter"] },
      falls: { run: "echo up; sleep 1; echo last words >&2; exit 7", zone: "sandbox", max_restarts: 2 },
      once: { run: "echo done", ready: { completed: true } },
    },
  };
}

export class House {
  static async open() {
    const folder = await mkdtemp(path.join(tmpdir(), "ostoja-dashboard-"));
    const house = new House();
    house.folder = folder;
    house.home = path.join(folder, "home");
    house.file = path.join(folder, "ostoja.yaml");
    await writeFile(path.join(folder, "greeter.py"), GREETER);
    await writeFile(path.join(folder, "caller.py"), CALLER);
    await writeFile(path.join(folder, "mischief.py"), MISCHIEF);
    await writeFile(path.join(folder, "rogue.py"), ROGUE);
    // JSON is YAML too.
    await writeFile(house.file, JSON.stringify(project(await freePort())));
    try {
      await house.up();
    } catch (error) {
      await house.close();
      throw error;
    }
    return house;
  }

  /** One command of the program; its exit code may tell something that is no failure here. */
  async ostoja(...words) {
    const options = { timeout: COMMAND_MS, cwd: this.folder, env: { ...process.env, LANG: "C.UTF-8" } };
    try {
      const { stdout, stderr } = await run(PROGRAM, ["--home", this.home, ...words], options);
      return { code: 0, stdout, stderr };
    } catch (error) {
      if (typeof error.code !== "number") throw error;
      return { code: error.code, stdout: error.stdout, stderr: error.stderr };
    }
  }

  async up() {
    const said = await this.ostoja("up", "-d", "-f", this.file);
    // `falls` is down now and then, which `up` may say.
    if ((await this.status()) === null) throw new Error(`up: ${said.code} ${said.stderr}`);
  }

  /** The kernel's process, or nothing. */
  async status() {
    const { stdout } = await this.ostoja("status", "--json");
    return JSON.parse(stdout).data?.kernel?.pid ?? null;
  }

  /** The path of a package of `parcel` at this version, by a maker whose packages the home takes. */
  async parcel(version) {
    const source = path.join(this.folder, `parcel-${version}`);
    await mkdir(source);
    const manifest = { id: "parcel", name: "Parcel", version, runtime: "binary", entry: "run.sh", provides: ["parcel"], permissions: {} };
    await writeFile(path.join(source, "module.json"), JSON.stringify(manifest));
    await writeFile(path.join(source, "run.sh"), PARCEL, { mode: 0o755 });
    const file = path.join(this.folder, `parcel-${version}.okm`);
    const words = [["module", "pack", source, "-o", file]];
    if (!this.hasMaker) words.unshift(["key", "generate", "me"], ["key", "root", "root.json"], ["key", "trust", "me", "root.json", "--for", "parcel"]);
    this.hasMaker = true;
    for (const command of words) {
      const said = await this.ostoja(...command);
      if (said.code !== 0) throw new Error(`${command.join(" ")}: ${said.code} ${said.stderr}`);
    }
    return file;
  }

  /** A one-time link to the dashboard. */
  async link() {
    const said = await this.ostoja("dashboard");
    const found = /https?:\/\/[^\s"]+#login=[^\s"]+/.exec(said.stdout + said.stderr);
    if (found === null) throw new Error(`dashboard: ${said.code} ${said.stdout} ${said.stderr}`);
    return found[0];
  }

  /** Kills the kernel as a machine that runs out of memory would. */
  async kill() {
    const pid = await this.status();
    process.kill(pid, "SIGKILL");
    await until("the kernel to be gone", async () => (await this.status()) === null);
  }

  async close() {
    await this.ostoja("down", "--timeout", "5s").catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The browser, without its own calls to its maker. */
export function browse() {
  const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  // As root, Chromium has no sandbox of its own; the pages are ours.
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath: BROWSER, args: isRoot ? ["--no-sandbox", ...quiet] : quiet });
}

/** Waits until something holds, with a deadline. */
export async function until(what, holds, ms = 30_000) {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
