// Every page of the dashboard against the real program in a real browser: both languages, both themes, wide and narrow,
// by keyboard alone, with hostile modules, and while the kernel is killed and comes back.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { AXE, browse, HOSTILE, House, until } from "./house.mjs";

/** 20 s for anything to appear on a page. */
const APPEAR_MS = 20_000;

const ROUTES = [
  "", "modules", "modules/caller", "modules/mischief/logs", "modules/caller/definition", "modules/mischief/permissions",
  "modules/caller/limits", "modules/falls", "graph", "approvals", "alerts", "updates", "zones", "journal", "config", "settings", "modules/nobody",
];

/** Each language with each theme and each width at least once. */
const LOOKS = [
  { locale: "en-GB", colorScheme: "light", width: 1280 },
  { locale: "pl-PL", colorScheme: "dark", width: 1280 },
  { locale: "en-GB", colorScheme: "dark", width: 360 },
  { locale: "pl-PL", colorScheme: "light", width: 360 },
];

const shots = path.resolve("target/dashboard");
let house;
let browser;
let axe;
let state;
let origin;

before(async () => {
  axe = await readFile(AXE, "utf8");
  await mkdir(shots, { recursive: true });
  house = await House.open();
  browser = await browse();
});

after(async () => {
  await browser?.close();
  await house?.close();
});

/** A page that is signed in, and everything wrong that it said. */
async function page(look = LOOKS[0]) {
  const context = await browser.newContext({
    viewport: { width: look.width, height: 800 },
    locale: look.locale,
    colorScheme: look.colorScheme,
    reducedMotion: "reduce",
    ...(state === undefined ? {} : { storageState: state }),
  });
  const opened = await context.newPage();
  opened.setDefaultTimeout(APPEAR_MS);
  const wrongs = [];
  const hosts = new Set();
  opened.on("pageerror", (error) => wrongs.push(`error: ${error.message}`));
  opened.on("console", (message) => {
    // What the network does is looked at by the tests that break it.
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) wrongs.push(message.text());
  });
  opened.on("dialog", (dialog) => wrongs.push(`a dialog opened: ${dialog.message()}`) && dialog.dismiss());
  opened.on("request", (request) => hosts.add(new URL(request.url()).origin));
  return { page: opened, wrongs, hosts, close: () => context.close() };
}

/** Opens an address and waits until it shows what it knows. */
async function go(opened, route) {
  await opened.goto(`${origin}/#/${route}`);
  await opened.locator('[data-link="live"]').waitFor();
  await opened.locator("main h1, main .empty").first().waitFor();
  await opened.waitForFunction(() => !/Loading…|Wczytywanie…/.test(document.querySelector("main")?.textContent ?? ""));
}

test("the one-time link signs in once, and its code stays in no address", async () => {
  const link = await house.link();
  origin = new URL(link).origin;
  const first = await page();
  await first.page.goto(link);
  await first.page.locator('[data-link="live"]').waitFor();
  assert.ok(!first.page.url().includes("login="), first.page.url());
  state = await first.page.context().storageState();
  assert.ok(state.cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), JSON.stringify(state.cookies));
  await first.close();
  const stranger = await browser.newContext();
  const again = await stranger.newPage();
  await again.goto(link);
  await again.locator(".sign-in [role=alert]").waitFor();
  assert.equal(await again.locator("nav").count(), 0, "nothing of the inside is shown");
  await stranger.close();
});

for (const look of LOOKS) {
  const name = `${look.locale.slice(0, 2)}-${look.colorScheme}-${look.width}`;
  test(`every page is whole, usable and quiet: ${name}`, async () => {
    const opened = await page(look);
    for (const route of ROUTES) {
      await go(opened.page, route);
      const wide = await opened.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `${route}: ${wide} px too wide`);
      assert.equal(await opened.page.evaluate(() => document.documentElement.lang), look.locale.slice(0, 2));
      const found = await violations(opened.page);
      assert.deepEqual(found, [], `${name} ${route}`);
      await opened.page.screenshot({ path: path.join(shots, `${name}-${route.replaceAll("/", "_") || "overview"}.png`) });
      assert.equal(await opened.page.evaluate(() => document.querySelectorAll("img, #app script, #app style, iframe").length), 0);
      assert.notEqual(await opened.page.title(), "hit");
    }
    assert.deepEqual(opened.wrongs, []);
    assert.deepEqual([...opened.hosts], [origin], "nothing is asked of another host");
    await opened.close();
  });
}

/** What axe-core finds, in short. */
async function violations(opened) {
  await opened.evaluate(axe);
  return opened.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations: found } = await window.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return found.map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary ?? ""}`).join(" | ")}`);
  });
}

test("the first screen says how all is: tiles with symbol and word, charts, events with reasons", async () => {
  const opened = await page();
  await go(opened.page, "");
  const tiles = opened.page.locator(".tile");
  assert.equal(await tiles.count(), 6);
  for (const tile of await tiles.all()) {
    assert.match(await tile.locator(".symbol").innerText(), /\S/);
    assert.match(await tile.locator(".tile-word").innerText(), /[\p{L}\p{N}]/u);
  }
  await until("the charts to have numbers", async () => (await opened.page.locator(".chart-now").allInnerTexts()).every((text) => /\d/.test(text)));
  assert.equal(await opened.page.locator(".chart canvas").count(), 3);
  await opened.page.locator(".event", { hasText: "left with exit code 7" }).first().waitFor();
  await opened.close();
});

test("hostile text of a module stays text in events, wishes and logs", async () => {
  const opened = await page();
  await go(opened.page, "");
  await opened.page.locator(".event", { hasText: HOSTILE.slice(0, 20) }).first().waitFor();
  await opened.page.locator("blockquote", { hasText: HOSTILE.slice(0, 20) }).first().waitFor();
  await go(opened.page, "modules/mischief/logs");
  const line = opened.page.locator(".line-text", { hasText: HOSTILE }).first();
  await line.waitFor();
  assert.match(await opened.page.locator(".log").innerText(), /red and \ufffdturned/);
  assert.notEqual(await opened.page.title(), "hit");
  assert.deepEqual(opened.wrongs, []);
  await opened.close();
});

test("logs are followed, searched and stand still when told to", async () => {
  const opened = await page();
  await go(opened.page, "modules/ticker/logs");
  const last = async () => Number(/tick (\d+)\s*$/.exec(await opened.page.locator(".log").innerText())?.[1] ?? 0);
  const first = await last();
  await until("two more lines", async () => (await last()) >= first + 2);
  await opened.page.locator("[data-search]").fill(`tick ${first}`);
  await opened.page.locator("mark").first().waitFor();
  for (const text of await opened.page.locator(".line-text").allInnerTexts()) assert.ok(text.includes(`tick ${first}`), text);
  await opened.page.locator("[data-search]").fill("no such line");
  await opened.page.locator(".log .empty").waitFor();
  await opened.close();
});

test("a restart is planned, confirmed and done by keyboard alone, from the command box", async () => {
  const opened = await page();
  await go(opened.page, "");
  const { keyboard } = opened.page;
  await keyboard.press("Tab");
  assert.equal(await opened.page.evaluate(() => document.activeElement?.className), "skip");
  for (let step = 0; step < 12; step += 1) {
    await keyboard.press("Tab");
    const seen = await opened.page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2;
    });
    assert.ok(seen, `focus is seen after ${step + 2} tabs`);
  }
  const generation = async () => {
    const { stdout } = await house.ostoja("status", "ticker", "--json");
    return JSON.parse(stdout).data.generation;
  };
  const before = await generation();
  await keyboard.press("Control+k");
  await opened.page.locator(".command-field:focus").waitFor();
  await keyboard.type("restart: ticker");
  await keyboard.press("Enter");
  await opened.page.locator(".plan li").first().waitFor();
  assert.deepEqual(await violations(opened.page), []);
  while ((await opened.page.evaluate(() => document.activeElement?.textContent)) !== "Restart") await keyboard.press("Tab");
  await keyboard.press("Enter");
  await opened.page.locator(".toast.w-good").waitFor();
  assert.notEqual(await generation(), before);
  await keyboard.press("Control+k");
  await opened.page.locator(".command-field").waitFor();
  assert.deepEqual(await violations(opened.page), []);
  await keyboard.press("Escape");
  await opened.page.locator(".command-field").waitFor({ state: "detached" });
  await keyboard.press("g");
  await keyboard.press("z");
  await opened.page.waitForURL(/#\/zones$/);
  await keyboard.press("g");
  await keyboard.press("m");
  await opened.page.waitForURL(/#\/modules$/);
  await opened.page.locator("[data-search]").waitFor();
  await keyboard.press("/");
  await keyboard.type("caller");
  await until("one row", async () => (await opened.page.locator(".modules tbody tr").count()) === 1);
  assert.deepEqual(opened.wrongs, []);
  await opened.close();
});

test("a wish is seen with what it would change, granted, and gone", async () => {
  const opened = await page();
  await go(opened.page, "approvals");
  const wish = opened.page.locator(".wish", { hasText: "mischief" });
  await wish.locator(".r-new", { hasText: "api.example:443" }).waitFor();
  await wish.getByRole("button", { name: "Grant" }).click();
  await opened.page.locator("dialog .r-new", { hasText: "api.example:443" }).waitFor();
  await opened.page.locator("dialog").getByRole("button", { name: "Grant" }).click();
  await opened.page.locator(".toast.w-good").waitFor();
  await wish.waitFor({ state: "detached" });
  const { stdout } = await house.ostoja("permissions", "list", "mischief", "--json");
  assert.match(stdout, /api\.example:443/);
  await go(opened.page, "modules/mischief/permissions");
  await opened.page.locator(".r-has", { hasText: "api.example:443" }).waitFor();
  await opened.close();
});

test("a package is planned, applied, updated and rolled back with a question before each", async () => {
  const [one, two] = [await house.parcel("1.0.0"), await house.parcel("2.0.0")];
  const opened = await page();
  await go(opened.page, "updates");
  const bring = async (file, to) => {
    await opened.page.getByLabel("Package").fill(file);
    await opened.page.getByRole("button", { name: "Show the plan" }).click();
    await opened.page.locator(".foreseen", { hasText: to }).waitFor();
    assert.deepEqual(await violations(opened.page), []);
    await opened.page.locator(".foreseen").getByRole("button", { name: "Apply" }).click();
    await opened.page.locator("dialog", { hasText: to }).waitFor();
    assert.deepEqual(await violations(opened.page), []);
    await opened.page.locator("dialog").getByRole("button", { name: "Apply" }).click();
    await opened.page.locator("dialog").waitFor({ state: "detached" });
  };
  const row = opened.page.locator("tr", { hasText: "parcel" });
  await bring(one, "new here");
  // What was never approved waits, whatever it asks for.
  await row.getByRole("button", { name: "Go on" }).click();
  await opened.page.locator("dialog").getByRole("button", { name: "Go on" }).click();
  await row.locator("td", { hasText: "1.0.0" }).first().waitFor();
  await opened.page.locator(".event", { hasText: "parcel 1.0.0 stays" }).waitFor();
  await bring(two, "1.0.0 → 2.0.0");
  await opened.page.locator(".event", { hasText: "parcel 2.0.0 stays" }).waitFor();
  await opened.page.screenshot({ path: path.join(shots, "updated.png") });
  await row.getByRole("button", { name: "Roll back" }).click();
  await opened.page.locator("dialog", { hasText: "from 2.0.0 back to 1.0.0" }).getByRole("button", { name: "Roll back" }).click();
  await opened.page.locator("dialog").waitFor({ state: "detached" });
  const table = JSON.parse((await house.ostoja("update", "list", "--json")).stdout).data;
  assert.equal(table.modules.find((each) => each.moduleId === "parcel").active, "1.0.0");
  // The same from this computer: it is sent, kept by the server, and planned from there.
  const three = await house.parcel("3.0.0");
  await opened.page.getByLabel("file of this computer").setInputFiles(three);
  await opened.page.locator(".foreseen", { hasText: "3.0.0" }).waitFor();
  assert.match(await opened.page.getByLabel("Package").inputValue(), /state\/web\/packages\/parcel-3\.0\.0\.okm$/);
  assert.deepEqual(await violations(opened.page), []);
  await opened.page.screenshot({ path: path.join(shots, "uploaded.png") });
  await opened.page.getByLabel("file of this computer").setInputFiles({ name: "no package.okm", mimeType: "application/zip", buffer: Buffer.from("PK") });
  await opened.page.locator(".refusal").waitFor();
  await opened.page.getByLabel("Package").fill("/nowhere.okm");
  await opened.page.getByRole("button", { name: "Show the plan" }).click();
  await opened.page.locator(".refusal", { hasText: "nowhere.okm" }).waitFor();
  assert.deepEqual(opened.wrongs, []);
  await opened.close();
});

test("a value of the configuration is set, refused when it is none, and taken back", async () => {
  const opened = await page();
  await go(opened.page, "config");
  const row = opened.page.locator("tr", { hasText: "lifecycle.maxRestarts" });
  await row.locator("td", { hasText: "default" }).waitFor();
  const set = async (value) => {
    await row.getByRole("button", { name: "Edit" }).click();
    await opened.page.getByLabel("Value;").fill(value);
    assert.deepEqual(await violations(opened.page), []);
    await opened.page.locator("dialog").getByRole("button", { name: "Save" }).click();
  };
  await set("many");
  await opened.page.locator(".toast.w-bad").waitFor();
  await set("7");
  await row.locator("td", { hasText: "90-set.yaml" }).waitFor();
  assert.match((await house.ostoja("config", "get", "lifecycle.maxRestarts")).stdout, /7/);
  await row.getByRole("button", { name: "Take back" }).click();
  await opened.page.locator("dialog").getByRole("button", { name: "Take back" }).click();
  await row.locator("td", { hasText: "default" }).waitFor();
  assert.deepEqual(opened.wrongs, []);
  await opened.close();
});

test("theme and language are chosen, kept, and shown at once", async () => {
  const opened = await page();
  await go(opened.page, "settings");
  await opened.page.getByRole("radio", { name: "Polski" }).check();
  await opened.page.getByRole("heading", { name: "Ustawienia" }).waitFor();
  await opened.page.getByRole("radio", { name: "ciemny" }).check();
  const ground = () => opened.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await ground();
  await opened.page.reload();
  await opened.page.getByRole("heading", { name: "Ustawienia" }).waitFor();
  assert.equal(await ground(), dark);
  await opened.page.getByRole("radio", { name: "jasny" }).check();
  assert.notEqual(await ground(), dark);
  await opened.close();
});

test("the journal goes back page by page and is filtered by module and code", async () => {
  const opened = await page();
  await go(opened.page, "journal");
  await opened.page.getByPlaceholder("Only this module").fill("falls");
  await opened.page.getByPlaceholder("Only this code", { exact: false }).fill("module.exited");
  await until("only what was asked for", async () => {
    const codes = await opened.page.locator(".record-code").allInnerTexts();
    return codes.length > 0 && codes.every((code) => code === "module.exited");
  });
  await opened.page.locator(".record summary").first().click();
  await opened.page.locator(".record .facts dd", { hasText: "exit code 7" }).first().waitFor();
  await opened.close();
});

test("the graph shows who calls whom, and the same as a table", async () => {
  const opened = await page();
  await go(opened.page, "graph");
  await opened.page.locator(".node", { hasText: "caller" }).waitFor();
  await opened.page.locator("summary", { hasText: "table" }).click();
  await opened.page.locator("tr", { hasText: /caller.*calls.*greeter/ }).waitFor();
  await opened.page.locator(".node", { hasText: "caller" }).focus();
  await until("those far away to step back", async () => (await opened.page.locator(".node.far").count()) > 0);
  await opened.close();
});

test("the page says that the kernel is gone, and comes back by itself", async () => {
  const opened = await page();
  await go(opened.page, "");
  await house.kill();
  await opened.page.locator(".banner.w-bad").waitFor();
  await opened.page.locator('[data-link="live"]').waitFor({ state: "detached" });
  await opened.page.screenshot({ path: path.join(shots, "kernel-gone.png") });
  assert.deepEqual(await violations(opened.page), []);
  await house.up();
  await opened.page.locator('[data-link="live"]').waitFor({ timeout: 30_000 });
  await opened.page.locator(".banner.w-bad").waitFor({ state: "detached" });
  await opened.page.locator(".event", { hasText: "the kernel started" }).first().waitFor();
  await opened.close();
});

test("the first useful paint comes within a third of a second on a machine that does nothing else", async (context) => {
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    const opened = await page();
    await opened.page.goto(`${origin}/`);
    await opened.page.locator(".tile").first().waitFor();
    times.push(await opened.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0));
    await opened.close();
  }
  times.sort((a, b) => a - b);
  const [, , median] = times;
  context.diagnostic(`first contentful paint, median of five: ${Math.round(median)} ms`);
  // Ten times the promise: a debug build, on a machine that may run other things beside it.
  assert.ok(median > 0 && median <= 3000, `${median} ms`);
});
