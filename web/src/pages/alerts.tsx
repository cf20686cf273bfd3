// Alerts: what fires, for whom nobody is told, who is told and how that goes.

import { useEffect, useState } from "preact/hooks";
import { change, get } from "../api";
import { question } from "../parts/dialog";
import { moment, number } from "../format";
import { language, t } from "../settings";
import { isStale, may, nowMs, tell, tellRefusal, turn } from "../store";
import { clean } from "../text";
import type { AlertTable, Firing } from "../types";

/** 10 s between two readings: twice what passes between two samples. */
const READ_EVERY_MS = 10_000;

/** An hour: what a silence from here lasts; the command line has others. */
const SILENCE_MS = 3_600_000;

const LEVELS: Record<string, { weight: string; symbol: string }> = {
  critical: { weight: "bad", symbol: "✕" },
  warning: { weight: "soon", symbol: "▲" },
  resolved: { weight: "good", symbol: "●" },
};

export function Alerts() {
  const [table, setTable] = useState<AlertTable | null>(null);
  const read = () => void get<AlertTable>("/alerts").then(setTable, () => undefined);
  useEffect(() => {
    read();
    const timer = setInterval(read, READ_EVERY_MS);
    return () => clearInterval(timer);
  }, [turn.value]);
  return (
    <>
      <h1>{t("alerts")}</h1>
      {table === null ? (
        <p class="empty">{t("loading")}</p>
      ) : (
        <div class={`stack${isStale.value ? " stale" : ""}`}>
          {table.trouble !== null && <p class="banner w-soon">{clean(table.trouble)}</p>}
          <FiringList rows={table.firing} rules={table.rules.length} after={read} />
          <Silences rows={table.silences} after={read} />
          <Outputs rows={table.outputs} />
        </div>
      )}
    </>
  );
}

function level(name: string): string {
  if (name === "critical") return t("levelCritical");
  return name === "warning" ? t("levelWarning") : t("levelResolved");
}

function FiringList({ rows, rules, after }: { rows: Firing[]; rules: number; after: () => void }) {
  const silence = (row: Firing) => {
    question.value = {
      title: t("silenceAsk", clean(row.rule), clean(row.subject || t("kernel"))),
      button: t("silence"),
      isDangerous: false,
      act: () => change("POST", "/alerts/silences", { rule: row.rule, ...(row.subject === "" ? {} : { module: row.subject }), forMs: SILENCE_MS, why: t("silenceWhy") }),
      done: t("done", t("silence")),
      after,
    };
  };
  return (
    <section class="card" aria-labelledby="firing-title">
      <header class="card-head"><h2 id="firing-title">{t("firing")} <span class="count">{rows.length}</span></h2></header>
      {rows.length === 0 && <p class="empty good-word"><span aria-hidden="true">●</span> {t("firingNone", rules)}</p>}
      <ul class="attention">
        {rows.slice(0, 200).map((row) => {
          const look = LEVELS[row.level] ?? { weight: "rest", symbol: "◔" };
          return (
            <li key={`${row.rule} ${row.subject}`} class={`w-${look.weight}`}>
              <span class="symbol" aria-hidden="true">{look.symbol}</span>
              <span class="attention-name">{clean(row.subject || t("kernel"))}</span>
              <span>{level(row.level)}: {clean(row.rule)} {number(row.value, language.value, 1)}</span>
              <span class="dim">{t("sinceFor", moment(row.sinceMs, nowMs.peek(), language.value))}{row.silenced ? `, ${t("silenced")}` : ""}</span>
              {may("operator") && !row.silenced && <button type="button" class="small" onClick={() => silence(row)}>{t("silence")}</button>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Silences({ rows, after }: { rows: AlertTable["silences"]; after: () => void }) {
  if (rows.length === 0) return null;
  const end = (id: number) => {
    question.value = {
      title: t("unsilenceAsk"),
      button: t("unsilence"),
      isDangerous: false,
      act: () => change("DELETE", `/alerts/silences/${id}`),
      done: t("done", t("unsilence")),
      after,
    };
  };
  return (
    <section class="card pad" aria-labelledby="silences-title">
      <h2 id="silences-title">{t("silences")}</h2>
      <ul class="token-list">
        {rows.slice(0, 64).map((row) => (
          <li key={row.id}>
            <b>{clean(row.rule ?? "*")}</b> <span>{clean(row.module ?? "*")}</span>
            <span class="dim">{t("until")} {moment(row.untilMs, nowMs.peek(), language.value)} {clean(row.why)}</span>
            {may("operator") && <button type="button" class="small" onClick={() => end(row.id)}>{t("unsilence")}</button>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Outputs({ rows }: { rows: AlertTable["outputs"] }) {
  const [isBusy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    try {
      const { outputs } = await change<{ outputs: { name: string; error: string | null }[] }>("POST", "/alerts/test", {});
      const failed = outputs.filter((each) => each.error !== null);
      if (failed.length === 0) tell(t("outputsTold", outputs.length));
      else tellRefusal(null, failed.map((each) => `${clean(each.name)}: ${clean(each.error ?? "")}`).join("; "));
    } catch (error) {
      tellRefusal(error, t("failed"));
    }
    setBusy(false);
  };
  return (
    <section class="card pad" aria-labelledby="outputs-title">
      <h2 id="outputs-title">{t("outputs")}</h2>
      {rows.length === 0 && <p class="dim">{t("outputsNone")} <code>ostoja-web.alerts.outputs</code></p>}
      <ul class="token-list">
        {rows.map((row) => (
          <li key={row.name}>
            <b>{clean(row.name)}</b> <span class="dim">{clean(row.kind)}</span>
            <span>{t("outputTold", row.told, row.lost)}</span>
            {row.error !== null && <span class="refusal">{clean(row.error)}</span>}
          </li>
        ))}
      </ul>
      {rows.length > 0 && may("operator") && (
        <div class="buttons"><button type="button" disabled={isBusy} onClick={() => void test()}>{t("outputsTest")}</button></div>
      )}
    </section>
  );
}
