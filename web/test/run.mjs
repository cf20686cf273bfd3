// Bundles the unit tests and runs them under `node --test`.
//
//   node web/test/run.mjs --modules FOLDER [--reporter NAME]

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? fallback);
}

const modules = path.resolve(option("modules", path.join(here, "../node_modules")));
const out = path.join(modules, ".tests");
const { build } = createRequire(path.join(modules, "esbuild.js"))("esbuild");
const names = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
await build({
  absWorkingDir: here,
  entryPoints: names,
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: ["node20"],
  nodePaths: [modules],
  logLevel: "warning",
});
const files = names.map((name) => path.join(out, name.replace(/ts$/, "mjs")));
const ended = spawnSync(process.execPath, ["--test", `--test-reporter=${option("reporter", "tap")}`, ...files], {
  cwd: path.join(here, "../.."),
  stdio: "inherit",
});
process.exit(ended.status ?? 1);
