// The frame around the pages: navigation, the state of the kernel, messages, keys.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { change } from "./api";
import { CommandBox, isCommandOpen } from "./parts/command";
import { Asked, question } from "./parts/dialog";
import { Icon, type IconName, Mark } from "./parts/icon";
import { Alerts } from "./pages/alerts";
import { Approvals } from "./pages/approvals";
import { Config } from "./pages/config";
import { Graph } from "./pages/graph";
import { Journal } from "./pages/journal";
import { Module } from "./pages/module";
import { Modules } from "./pages/modules";
import { Overview } from "./pages/overview";
import { Settings } from "./pages/settings";
import { Updates } from "./pages/updates";
import { Zones } from "./pages/zones";
import { age } from "./format";
import { href, type Page, PAGES } from "./route";
import { applySettings, t, theme, type Theme } from "./settings";
import { begin, codeOf, heardAtMs, isStale, kernel, link, login, may, modules, nowMs, open, pending, route, signIn, toast } from "./store";
import { clean } from "./text";
import "uplot/dist/uPlot.min.css";
import "./style.css";

/** 8 s: long enough to read a refusal with its help. */
const TOAST_MS = 8000;

/** 1 s between `g` and the letter of a page. */
const CHORD_MS = 1000;

const LETTERS: Record<string, Page> = {
  o: "overview", m: "modules", g: "graph", a: "approvals", l: "alerts", u: "updates", z: "zones", j: "journal", c: "config", s: "settings",
};

function App() {
  if (signIn.value !== "") return <SignIn />;
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>{t("skip")}</a>
      <Top />
      <Navigation />
      <main id="content" tabIndex={-1}>
        <Banner />
        <PageOf />
      </main>
      <Toast />
      <Asked />
      <CommandBox />
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function PageOf() {
  const present = route.value;
  useEffect(() => {
    const name = present.page === "module" ? clean(present.id) : t(present.page);
    document.title = `${name} · ${t("appName")}`;
  });
  switch (present.page) {
    case "module": return <Module key={present.id} id={present.id} tab={present.tab} />;
    case "modules": return <Modules />;
    case "graph": return <Graph />;
    case "alerts": return <Alerts />;
    case "approvals": return <Approvals />;
    case "updates": return <Updates />;
    case "zones": return <Zones />;
    case "config": return <Config />;
    case "journal": return <Journal />;
    case "settings": return <Settings />;
    case "overview": return <Overview />;
  }
}

const NEXT_THEME: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const THEME_ICONS: Record<Theme, IconName> = { system: "half", light: "sun", dark: "moon" };

function Top() {
  const word = theme.value === "system" ? t("themeSystem") : theme.value === "light" ? t("themeLight") : t("themeDark");
  return (
    <header class="top">
      <a class="brand" href="#/"><Mark /> {t("appName")}</a>
      <LinkState />
      <span class="grow" />
      <button type="button" class="command-open" onClick={() => (isCommandOpen.value = true)}>
        <Icon name="search" />
        <span class="command-label">{t("command")}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <button type="button" class="quiet" title={`${t("theme")}: ${word}`} aria-label={`${t("theme")}: ${word}`} onClick={() => (theme.value = NEXT_THEME[theme.value])}>
        <Icon name={THEME_ICONS[theme.value]} />
      </button>
    </header>
  );
}

function LinkState() {
  const state = link.value;
  const weight = state === "live" ? "good" : state === "connecting" ? "rest" : "bad";
  const word = state === "live" ? t("live") : state === "connecting" ? t("connecting") : t("gone");
  return (
    <span class={`link w-${weight}`} role="status" data-link={state}>
      <span class="symbol" aria-hidden="true">{weight === "good" ? "●" : weight === "bad" ? "✕" : "◔"}</span>
      <span class="unseen">{t("kernel")}: </span>{word}
    </span>
  );
}

function Navigation() {
  const present = route.value.page === "module" ? "modules" : route.value.page;
  const counts: Partial<Record<Page, number>> = {
    modules: modules.value?.length ?? 0,
    approvals: pending.value.length,
  };
  return (
    <nav class="side" aria-label={t("navigation")}>
      <ul>
        {PAGES.map((page) => (
          <li>
            <a href={href({ page })} aria-current={page === present ? "page" : undefined}>
              <Icon name={page} />
              <span>{t(page)}</span>
              {(counts[page] ?? 0) > 0 && <span class={`count${page === "approvals" ? " loud" : ""}`}>{counts[page]}</span>}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Banner() {
  const safe = kernel.value?.safeMode;
  const isGone = isStale.value;
  return (
    <div aria-live="assertive">
      {isGone && (
        <p class="banner w-bad">
          <span class="symbol" aria-hidden="true">✕</span>{" "}
          {t(link.value === "kernel-gone" ? "kernelGone" : "serverGone", age(nowMs.value - heardAtMs.value))}
        </p>
      )}
      {!isGone && safe !== undefined && safe !== null && (
        <p class="banner w-soon">
          <span class="symbol" aria-hidden="true">▲</span> {t("safeMode")}: {clean(safe.why)}{" "}
          {may("operator") && <button type="button" class="small" onClick={leaveSafeMode}>{t("leaveSafeMode")}</button>}
        </p>
      )}
    </div>
  );
}

function leaveSafeMode(): void {
  question.value = {
    title: t("leaveSafeMode"),
    button: t("leaveSafeMode"),
    isDangerous: false,
    act: () => change("POST", "/kernel/resume"),
    done: t("done", t("leaveSafeMode")),
  };
}

function Toast() {
  const present = toast.value;
  useEffect(() => {
    if (present === null) return undefined;
    const timer = setTimeout(() => (toast.value = null), TOAST_MS);
    return () => clearTimeout(timer);
  }, [present?.key]);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {present !== null && (
        <div class={`toast w-${present.kind}`}>
          <span class="symbol" aria-hidden="true">{present.kind === "good" ? "✓" : "✕"}</span>
          <div>
            <p>{clean(present.text)}</p>
            {present.help !== "" && <p><code>{clean(present.help)}</code></p>}
            {present.code !== "" && <p class="dim">{clean(present.code)}</p>}
          </div>
          <button type="button" class="quiet" aria-label={t("close")} onClick={() => (toast.value = null)}><Icon name="close" /></button>
        </div>
      )}
    </div>
  );
}

function SignIn() {
  const [typed, setTyped] = useState("");
  const why = signIn.value;
  useEffect(() => {
    document.title = `${t("login")} · ${t("appName")}`;
  });
  const submit = async (event: Event) => {
    event.preventDefault();
    const code = codeOf(typed) ?? typed.trim();
    if (code !== "" && (await login(code))) open();
  };
  return (
    <main class="sign-in" id="content">
      <div class="card pad">
        <p class="brand"><Mark /> {t("appName")}</p>
        <h1>{t("login")}</h1>
        {why === "ended" && <p class="refusal" role="alert">{t("loginEnded")}</p>}
        {why === "wrong" && <p class="refusal" role="alert">{t("loginWrong")}</p>}
        <p>{t("loginHint")}</p>
        <pre class="words">ostoja dashboard</pre>
        <form onSubmit={(event) => void submit(event)}>
          <label class="field">
            <span>{t("loginCode")}</span>
            <input type="text" autocomplete="off" spellcheck={false} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
          </label>
          <button type="submit" class="primary">{t("login")}</button>
        </form>
      </div>
    </main>
  );
}

let chordMs = 0;

/** The keys of the whole page; whoever types into a field is left alone. */
function onKey(event: KeyboardEvent): void {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey) {
    event.preventDefault();
    if (signIn.value === "" && question.value === null) isCommandOpen.value = true;
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isCommandOpen.value || question.value !== null) return;
  const { target } = event;
  if (target instanceof HTMLElement && target.closest("input, select, textarea") !== null) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const page = LETTERS[event.key];
  if (chordMs > Date.now() - CHORD_MS && page !== undefined) {
    chordMs = 0;
    location.hash = href({ page });
  } else if (event.key === "g") {
    chordMs = Date.now();
  } else if (event.key === "/") {
    const field = document.querySelector<HTMLInputElement>("[data-search]");
    if (field !== null) {
      event.preventDefault();
      field.focus();
    }
  } else if (event.key === "?") {
    location.hash = href({ page: "settings" });
  }
}

applySettings();
addEventListener("keydown", onKey);
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
void begin();
