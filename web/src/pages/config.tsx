// The configuration: every value in force with the file that says so, and setting one above them all.

import { useEffect, useState } from "preact/hooks";
import { change, get, part } from "../api";
import { question } from "../parts/dialog";
import { t } from "../settings";
import { isStale, may, tellRefusal, turn } from "../store";
import { clean } from "../text";
import type { ConfigEntry, ConfigTable } from "../types";

/** 400 rows are drawn; the filter finds the rest. */
const ROWS_MAX = 400;

/** The file that is written by what is set here. */
const SET_FILE = "90-set.yaml";

export function Config() {
  const [table, setTable] = useState<ConfigTable | null>(null);
  const [wanted, setWanted] = useState("");
  const read = () => void get<ConfigTable>("/config").then(setTable, (error: unknown) => tellRefusal(error, t("failed")));
  const isAllowed = may("admin");
  useEffect(() => {
    if (isAllowed) read();
  }, [turn.value, isAllowed]);
  const fitting = (table?.entries ?? []).filter((entry) => entry.key.toLowerCase().includes(wanted.trim().toLowerCase()));
  return (
    <>
      <h1>{t("config")}</h1>
      {!isAllowed && <p class="card empty">{t("needsRole", "admin")}</p>}
      {isAllowed && table === null && <p class="empty">{t("loading")}</p>}
      {table !== null && (
        <>
          <div class="toolbar">
            <label class="field grow">
              <span class="unseen">{t("filterKey")}</span>
              <input type="search" data-search placeholder={t("filterKey")} value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
            </label>
          </div>
          <Add version={table.version} after={setTable} />
          <div class={`card table-box${isStale.value ? " stale" : ""}`}>
            <table class="list config">
              <thead>
                <tr>
                  <th scope="col">{t("key")}</th>
                  <th scope="col">{t("value")}</th>
                  <th scope="col">{t("origin")}</th>
                  <th scope="col">{t("actions")}</th>
                </tr>
              </thead>
              <tbody>
                {fitting.slice(0, ROWS_MAX).map((entry) => <Row key={entry.key} entry={entry} version={table.version} after={setTable} />)}
              </tbody>
            </table>
          </div>
        </>
      )}
    </>
  );
}

interface Changing {
  version: string;
  after: (table: ConfigTable) => void;
}

function Row({ entry, version, after }: Changing & { entry: ConfigEntry }) {
  const key = clean(entry.key);
  const isSet = entry.origin.includes(SET_FILE);
  const origin = entry.origin === "default" ? t("byDefault") : clean(entry.origin.split("/").at(-1) ?? entry.origin);
  return (
    <tr>
      <th scope="row"><code>{key}</code></th>
      <td><code>{clean(JSON.stringify(entry.value))}</code></td>
      <td class={entry.origin === "default" ? "dim" : ""} title={clean(entry.origin)}>{origin}</td>
      <td>
        <div class="buttons">
          <button type="button" class="small" aria-label={`${t("edit")}: ${key}`} onClick={() => askSet(entry, { version, after })}>{t("edit")}</button>
          {isSet && (
            <button type="button" class="small" aria-label={`${t("takeBack")}: ${key}`} onClick={() => askUnset(entry.key, { version, after })}>{t("takeBack")}</button>
          )}
        </div>
      </td>
    </tr>
  );
}

/** A key that no file names yet. */
function Add({ version, after }: Changing) {
  const [key, setKey] = useState("");
  const add = (event: Event) => {
    event.preventDefault();
    if (key.trim() !== "") askSet({ key: key.trim(), value: "", origin: "" }, { version, after });
  };
  return (
    <form class="toolbar" onSubmit={add}>
      <label class="field grow">
        <span>{t("configAdd")}</span>
        <input type="text" maxLength={200} spellcheck={false} autocomplete="off" value={key} onInput={(event) => setKey(event.currentTarget.value)} />
      </label>
      <button type="submit">{t("configAddDo")}</button>
    </form>
  );
}

function askSet(entry: ConfigEntry, { version, after }: Changing): void {
  let typed = typeof entry.value === "string" ? entry.value : JSON.stringify(entry.value);
  const key = clean(entry.key);
  question.value = {
    title: t("configSet", key),
    button: t("save"),
    isDangerous: false,
    body: (
      <label class="field">
        <span>{t("configValue")}</span>
        <input type="text" spellcheck={false} autocomplete="off" defaultValue={typed} onInput={(event) => (typed = event.currentTarget.value)} />
      </label>
    ),
    act: async () => after(await change<ConfigTable>("PUT", `/config/${part(entry.key)}`, { value: valueOf(typed) }, version)),
    done: t("done", key),
  };
}

function askUnset(key: string, { version, after }: Changing): void {
  question.value = {
    title: t("configUnset", clean(key)),
    button: t("takeBack"),
    isDangerous: true,
    act: async () => after(await change<ConfigTable>("DELETE", `/config/${part(key)}`, undefined, version)),
    done: t("done", clean(key)),
  };
}

/** Lists and maps are typed as JSON; all else is understood by the kernel as on the command line. */
export function valueOf(typed: string): unknown {
  if (!/^\s*[[{]/.test(typed)) return typed;
  try {
    return JSON.parse(typed) as unknown;
  } catch {
    return typed;
  }
}
