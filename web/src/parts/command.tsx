// The command box: every page, module and order by a few letters, without a mouse.

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { change } from "../api";
import { best } from "../match";
import { href, PAGES } from "../route";
import { chooseLanguage, language, t, theme, THEMES } from "../settings";
import { logout, may, modules } from "../store";
import { clean } from "../text";
import { askModule, Modal, question } from "./dialog";
import { stateOf } from "./state";

export const isCommandOpen = signal(false);

/** 12 entries are shown: what a list holds without scrolling. */
const SHOWN_MAX = 12;

interface Entry {
  group: string;
  text: string;
  note: string;
  act: () => void;
}

function goTo(address: string): void {
  location.hash = address;
}

function entries(): Entry[] {
  const pages: Entry[] = PAGES.map((page) => ({
    group: t("pagesGroup"),
    text: t(page),
    note: "",
    act: () => goTo(href({ page })),
  }));
  const listed = modules.value ?? [];
  const opened: Entry[] = listed.map(({ id, status }) => ({
    group: t("module"),
    text: clean(id),
    note: stateOf(status).symbol,
    act: () => goTo(href({ page: "module", id, tab: "story" })),
  }));
  return [...pages, ...opened, ...listed.flatMap(({ id }) => orders(id)), ...house()];
}

function orders(id: string): Entry[] {
  const name = clean(id);
  const all: Entry[] = [];
  const group = t("doGroup");
  if (may("developer")) {
    all.push({ group, text: t("openLogs", name), note: "", act: () => goTo(href({ page: "module", id, tab: "logs" })) });
  }
  if (may("operator")) {
    for (const verb of ["restart", "stop", "start"] as const) {
      all.push({ group, text: `${t(verb)}: ${name}`, note: "…", act: () => askModule(verb, id) });
    }
  }
  return all;
}

function house(): Entry[] {
  const group = t("doGroup");
  const all: Entry[] = THEMES.map((each) => ({
    group,
    text: `${t("theme")}: ${t(each === "system" ? "themeSystem" : each === "light" ? "themeLight" : "themeDark")}`,
    note: "",
    act: () => (theme.value = each),
  }));
  all.push({
    group,
    text: language.value === "en" ? "Język: polski" : "Language: English",
    note: "",
    act: () => chooseLanguage(language.value === "en" ? "pl" : "en"),
  });
  if (may("operator")) {
    all.push(
      { group, text: t("reload"), note: "…", act: askReload },
      { group, text: t("enterSafeMode"), note: "…", act: askSafeMode },
    );
  }
  all.push({ group, text: t("signOut"), note: "", act: () => void logout() });
  return all;
}

function askReload(): void {
  question.value = {
    title: t("reloadAsk"),
    button: t("reload"),
    isDangerous: false,
    act: () => change("POST", "/kernel/reload"),
    done: t("done", t("reload")),
  };
}

function askSafeMode(): void {
  question.value = {
    title: t("enterSafeMode"),
    button: t("enterSafeMode"),
    isDangerous: true,
    body: <p>{t("safeModeAsk")}</p>,
    act: () => change("POST", "/kernel/safe-mode", { why: t("safeModeWhy") }),
    done: t("safeMode"),
  };
}

export function CommandBox() {
  return isCommandOpen.value ? <Box /> : null;
}

function Box() {
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const all = useMemo(entries, [modules.value, language.value]);
  const found = best(typed, all, (entry) => entry.text, SHOWN_MAX);
  const at = Math.min(chosen, Math.max(0, found.length - 1));
  useEffect(() => field.current?.focus(), []);
  useEffect(() => document.getElementById(`command-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);
  const close = () => (isCommandOpen.value = false);
  const run = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    close();
    entry.act();
  };
  // Who types fast is ahead of what is drawn: what stands in the field counts, not what was found for half of it.
  const wanted = ({ value }: HTMLInputElement) =>
    value === typed ? found[at] : best(value, all, (entry) => entry.text, SHOWN_MAX)[0];
  const onKey = (event: JSX.TargetedKeyboardEvent<HTMLInputElement>) => {
    if (event.key === "ArrowDown") setChosen(found.length === 0 ? 0 : (at + 1) % found.length);
    else if (event.key === "ArrowUp") setChosen(found.length === 0 ? 0 : (at + found.length - 1) % found.length);
    else if (event.key === "Enter") run(wanted(event.currentTarget));
    else return;
    event.preventDefault();
  };
  return (
    <Modal title={t("command")} onClose={close}>
      <input
        ref={field}
        class="command-field"
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="command-list"
        aria-activedescendant={found.length === 0 ? undefined : `command-${at}`}
        aria-autocomplete="list"
        aria-label={t("commandHint")}
        placeholder={t("commandHint")}
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKey}
      />
      <ul id="command-list" class="command-list" role="listbox" aria-label={t("command")}>
        {found.map((entry, index) => (
          <li
            id={`command-${index}`}
            role="option"
            aria-selected={index === at}
            class={index === at ? "chosen" : ""}
            onMouseMove={() => setChosen(index)}
            onClick={() => run(entry)}
          >
            <span class="command-text">{entry.text}</span>
            <span class="dim">{entry.note} {entry.group}</span>
          </li>
        ))}
      </ul>
      <p class="dim command-count" role="status">{found.length === 0 ? t("commandNone") : t("commandFound", found.length)}</p>
    </Modal>
  );
}
