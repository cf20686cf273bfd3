// Builds the dashboard from `src` into a folder, or checks that a folder holds exactly what the sources give.
//
//   node web/build.mjs --modules FOLDER [--out FOLDER] [--check]
//
// FOLDER with the modules is where `cargo xtask dashboard` has installed what `package-lock.json` names. The table of
// sentences, `meanings.json`, comes from the Rust sources by `cargo xtask schema` and is not built here.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));

/** 150 kB gzipped for everything that a browser fetches. */
const GZIPPED_BYTES_MAX = 150_000;

/** What is built, beside what is copied. */
const BUILT = ["app.js", "app.css"];
const COPIED = ["index.html", "icon.svg"];
const LICENCES = "licences.txt";

/** What ends up in `app.js` and `app.css`; their licences ask to be handed on. */
const BUNDLED = ["@preact/signals", "@preact/signals-core", "preact", "uplot"];
const GENERATED = ["meanings.json"];

function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : (process.argv[at + 1] ?? fallback);
}

const modules = path.resolve(option("modules", path.join(here, "node_modules")));
const out = path.resolve(option("out", path.join(here, "dist")));
const isCheck = process.argv.includes("--check");

/** The licence of each library, as it came. */
async function licences() {
  const all = [];
  for (const name of BUNDLED) {
    const { version } = JSON.parse(await readFile(path.join(modules, name, "package.json"), "utf8"));
    const text = await readFile(path.join(modules, name, "LICENSE"), "utf8");
    all.push(`${name} ${version}\n\n${text.trim()}\n`);
  }
  return all.join(`\n${"-".repeat(80)}\n\n`);
}

const { build } = createRequire(path.join(modules, "esbuild.js"))("esbuild");
const result = await build({
  absWorkingDir: here,
  entryPoints: [{ in: "src/app.tsx", out: "app" }],
  outdir: out,
  bundle: true,
  format: "esm",
  target: ["es2022"],
  minify: true,
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  nodePaths: [modules],
  write: false,
  logLevel: "warning",
});

const files = new Map();
for (const { path: full, contents } of result.outputFiles) {
  files.set(path.relative(out, full), Buffer.from(contents));
}
for (const name of COPIED) files.set(name, await readFile(path.join(here, "src", name)));
files.set(LICENCES, Buffer.from(await licences()));
const names = [...files.keys()].sort();
const wanted = [...BUILT, ...COPIED, LICENCES].sort();
if (names.join() !== wanted.join()) throw new Error(`built ${names}, not ${wanted}`);

let isDifferent = false;
for (const [name, contents] of files) {
  const full = path.join(out, name);
  const present = await readFile(full).catch(() => null);
  if (present !== null && present.equals(contents)) continue;
  if (isCheck) {
    console.error(`dist/${name} differs from what the sources give: run cargo xtask dashboard --build`);
    isDifferent = true;
  } else {
    await mkdir(out, { recursive: true });
    await writeFile(full, contents);
    console.log(`dist/${name}: written`);
  }
}

let gzipped = 0;
for (const contents of files.values()) gzipped += gzipSync(contents, { level: 9 }).length;
for (const name of GENERATED) {
  gzipped += gzipSync(await readFile(path.join(out, name)).catch(() => Buffer.alloc(0)), { level: 9 }).length;
}
console.log(`dashboard: ${gzipped} bytes gzipped, of ${GZIPPED_BYTES_MAX}`);
if (gzipped > GZIPPED_BYTES_MAX) throw new Error("the dashboard is too big");
if (isDifferent) process.exit(1);
