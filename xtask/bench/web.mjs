// Looks at the dashboard as people do, in a real browser, for `cargo xtask bench web`.
//
//   node xtask/bench/web.mjs LINK paint ROUNDS
//   node xtask/bench/web.mjs LINK watch SECONDS PAGE...
//
// LINK logs in once. What comes out is a line of JSON for each thing that was seen; `watch` says when it begins and ends to
// watch a page, so that whoever reads it can look at other processes over the same time.

import { browse } from "../../web/e2e/house.mjs";

/** 30 s for anything to appear: what takes longer is broken. */
const APPEAR_MS = 30_000;

/** 6 s until a page that was opened is at rest: its first readings are drawn, and the code that it runs often is compiled. */
const SETTLE_MS = 6_000;

const [link, what, count, ...pages] = process.argv.slice(2);
const { origin } = new URL(link);

const say = (seen) => process.stdout.write(`${JSON.stringify(seen)}\n`);

/** Runs in the page before all else: notes when the first screen says something, two frames after it was put there. */
function noteWhenUseful() {
  const isUseful = () => {
    const words = [...document.querySelectorAll(".tile-word")].map((word) => word.textContent ?? "");
    return words.length === 6 && words.every((word) => /[\p{L}\p{N}]/u.test(word) && !/Loading|Connecting/.test(word));
  };
  const seen = new MutationObserver(() => {
    if (!isUseful()) return;
    seen.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (window.usefulAtMs = performance.now())));
  });
  seen.observe(document, { childList: true, subtree: true, characterData: true });
}

async function signedIn(browser) {
  const context = await browser.newContext({ locale: "en-GB" });
  const page = await context.newPage();
  await page.goto(link);
  await page.locator('[data-link="live"]').waitFor({ timeout: APPEAR_MS });
  const state = await context.storageState();
  await context.close();
  return state;
}

/** Each round with an empty cache. */
async function paint(browser, storageState) {
  for (let round = 0; round < Number(count); round += 1) {
    const context = await browser.newContext({ locale: "en-GB", storageState });
    const page = await context.newPage();
    await page.addInitScript(noteWhenUseful);
    await page.goto(`${origin}/`);
    await page.waitForFunction(() => window.usefulAtMs !== undefined, null, { timeout: APPEAR_MS });
    const usefulMs = await page.evaluate(() => window.usefulAtMs);
    const firstMs = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
    say({ round, usefulMs, firstMs });
    await context.close();
  }
}

/** Processor seconds of the processes that run pages, and of all of the browser's. */
async function used(cdp) {
  const { processInfo } = await cdp.send("SystemInfo.getProcessInfo");
  const sum = (rows) => rows.reduce((total, { cpuTime }) => total + cpuTime, 0);
  return { page: sum(processInfo.filter(({ type }) => type === "renderer")), all: sum(processInfo) };
}

async function watch(browser, storageState) {
  const cdp = await browser.newBrowserCDPSession();
  const context = await browser.newContext({ locale: "en-GB", storageState, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  for (const name of pages) {
    await page.goto(`${origin}/#/${name === "overview" ? "" : name}`);
    await page.locator('[data-link="live"]').waitFor({ timeout: APPEAR_MS });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const before = await used(cdp);
    say({ page: name, at: "begin" });
    await new Promise((resolve) => setTimeout(resolve, Number(count) * 1000));
    say({ page: name, at: "end" });
    const after = await used(cdp);
    const percent = (key) => ((after[key] - before[key]) / Number(count)) * 100;
    say({ page: name, pagePercent: percent("page"), browserPercent: percent("all") });
  }
  await context.close();
}

const browser = await browse();
try {
  const state = await signedIn(browser);
  await (what === "paint" ? paint(browser, state) : watch(browser, state));
} finally {
  await browser.close();
}
