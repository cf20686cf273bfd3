// How the page looks, who is signed in, the kernel's own facts, access tokens, and the keys.

import { useEffect, useState } from "preact/hooks";
import { change, get } from "../api";
import { question } from "../parts/dialog";
import { age, bytes, moment, NOTHING } from "../format";
import { chooseLanguage, language, t, theme, THEMES, type Theme } from "../settings";
import { kernel, logout, may, nowMs, session, tellRefusal } from "../store";
import { clean } from "../text";
import type { Token } from "../types";
import { type Language, LANGUAGES } from "../words";

/** Shown in their own language, so that whoever reads only one of them finds it. */
const LANGUAGE_NAMES: Record<Language, string> = { en: "English", pl: "Polski" };

const THEME_WORDS: Record<Theme, "themeSystem" | "themeLight" | "themeDark"> = {
  system: "themeSystem",
  light: "themeLight",
  dark: "themeDark",
};

const DAY_MS = 86_400_000;

export function Settings() {
  return (
    <>
      <h1>{t("settings")}</h1>
      <div class="settings">
        <div class="stack">
          <Look />
          <Keys />
        </div>
        <div class="stack">
          <Kernel />
          <Who />
        </div>
        {may("admin") && <Tokens />}
      </div>
    </>
  );
}

function Look() {
  return (
    <section class="card pad" aria-labelledby="look-title">
      <h2 id="look-title">{t("theme")}, {t("language").toLowerCase()}</h2>
      <Choice legend={t("theme")} name="theme" options={THEMES.map((each) => ({ value: each, text: t(THEME_WORDS[each]) }))} chosen={theme.value} onChoose={(value) => (theme.value = value)} />
      <Choice legend={t("language")} name="language" options={LANGUAGES.map((each) => ({ value: each, text: LANGUAGE_NAMES[each] }))} chosen={language.value} onChoose={chooseLanguage} />
    </section>
  );
}

interface ChoiceProps<T extends string> {
  legend: string;
  name: string;
  options: { value: T; text: string }[];
  chosen: T;
  onChoose: (value: T) => void;
}

function Choice<T extends string>({ legend, name, options, chosen, onChoose }: ChoiceProps<T>) {
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      {options.map(({ value, text }) => (
        <label>
          <input type="radio" name={name} value={value} checked={value === chosen} onChange={() => onChoose(value)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Kernel() {
  const present = kernel.value;
  if (present === null) return null;
  const rows: [string, string][] = [
    [t("versionWord"), clean(present.version)],
    [t("process"), String(present.pid)],
    [t("uptime"), age(nowMs.value - present.startedAtMs)],
    [t("memory"), bytes(present.rssBytes, language.value)],
    [t("journal"), present.journal === "well" ? t("well") : clean(present.journal)],
    [t("watchdog"), clean(present.watchdog)],
    [t("enforced"), clean(present.bounds)],
    [t("home"), clean(present.home)],
    [t("project"), clean(present.project ?? NOTHING)],
  ];
  return (
    <section class="card pad" aria-labelledby="kernel-title">
      <h2 id="kernel-title">{t("kernel")}</h2>
      <dl class="pairs">
        {rows.map(([name, value]) => (
          <div><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
    </section>
  );
}

function Who() {
  const present = session.value;
  if (present === null) return null;
  return (
    <section class="card pad" aria-labelledby="who-title">
      <h2 id="who-title">{t("session")}</h2>
      <dl class="pairs">
        <div><dt>{t("name")}</dt><dd>{clean(present.name)}</dd></div>
        <div><dt>{t("role")}</dt><dd>{clean(present.role)}</dd></div>
        {typeof present.expiresAtMs === "number" && (
          <div><dt>{t("until")}</dt><dd>{moment(present.expiresAtMs, nowMs.peek(), language.value)}</dd></div>
        )}
      </dl>
      <div class="buttons">
        <button type="button" onClick={() => void logout()}>{t("signOut")}</button>
      </div>
      <p class="dim"><a href="licences.txt">{t("licences")}</a></p>
    </section>
  );
}

function Keys() {
  const rows: [string[], string][] = [
    [["Ctrl", "K"], t("keyCommand")],
    [["/"], t("keySearch")],
    [["g", "o m a …"], t("keyGo")],
    [["?"], t("keyHelp")],
  ];
  return (
    <section class="card pad" aria-labelledby="keys-title">
      <h2 id="keys-title">{t("keys")}</h2>
      <dl class="pairs keys">
        {rows.map(([keys, text]) => (
          <div>
            <dt>{keys.map((key) => <kbd>{key}</kbd>)}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Tokens() {
  const [rows, setRows] = useState<Token[] | null>(null);
  const [made, setMade] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [days, setDays] = useState("30");
  const read = () => get<{ tokens: Token[] }>("/tokens").then(({ tokens }) => setRows(tokens), () => setRows([]));
  useEffect(() => void read(), []);
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      const count = Math.min(3650, Math.max(1, Number.parseInt(days, 10) || 30));
      const answer = await change<{ token: string }>("POST", "/tokens", { name: name.trim(), role, expiresInMs: count * DAY_MS });
      setMade(answer.token);
      setName("");
      await read();
    } catch (error) {
      tellRefusal(error, t("failed"));
    }
  };
  const revoke = (token: Token) => {
    question.value = {
      title: t("tokenRevokeAsk", clean(token.name)),
      button: t("tokenRevoke", clean(token.name)),
      isDangerous: true,
      act: () => change("DELETE", `/tokens/${encodeURIComponent(token.id)}`),
      done: t("done", t("tokenRevoke", clean(token.name))),
      after: () => void read(),
    };
  };
  return (
    <section class="card pad wide" aria-labelledby="tokens-title">
      <h2 id="tokens-title">{t("tokens")}</h2>
      <p class="dim">{t("tokensHint")}</p>
      <form class="toolbar" onSubmit={(event) => void make(event)}>
        <label class="field grow">
          <span>{t("tokenName")}</span>
          <input type="text" required maxLength={60} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t("role")}</span>
          <select value={role} onChange={(event) => setRole(event.currentTarget.value)}>
            {["viewer", "developer", "operator", "admin"].map((each) => <option value={each}>{each}</option>)}
          </select>
        </label>
        <label class="field narrow">
          <span>{t("days")}</span>
          <input type="number" min={1} max={3650} value={days} onInput={(event) => setDays(event.currentTarget.value)} />
        </label>
        <button type="submit" class="primary">{t("tokenMake")}</button>
      </form>
      {made !== "" && (
        <p class="token-made" role="status">
          {t("tokenShown")} <code>{made}</code>
        </p>
      )}
      {rows !== null && rows.length === 0 && <p class="dim">{t("tokensNone")}</p>}
      <ul class="token-list">
        {(rows ?? []).map((token) => (
          <li>
            <b>{clean(token.name)}</b>
            <span class="dim">{clean(token.role)}</span>
            <span class="dim">
              {t("expires")}: {typeof token.expiresAtMs === "number" ? moment(token.expiresAtMs, nowMs.peek(), language.value) : t("never")}
            </span>
            <button type="button" class="small" onClick={() => revoke(token)}>{t("tokenRevoke", clean(token.name))}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}
