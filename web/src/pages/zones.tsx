// The zones and who lives in each, with what can be done to a whole zone.

import { change } from "../api";
import { question } from "../parts/dialog";
import { StateBadge } from "../parts/state";
import { bytes, percent } from "../format";
import { href } from "../route";
import { language, t } from "../settings";
import { isStale, may, modules, readModules, ringTurn, trail } from "../store";
import { clean } from "../text";
import type { ModuleStatus } from "../types";

const ZONES = [
  { name: "stable", word: "zoneStable", isOrdered: true },
  { name: "sandbox", word: "zoneSandbox", isOrdered: true },
  { name: "system", word: "zoneSystem", isOrdered: false },
] as const;

export function Zones() {
  const listed = modules.value;
  if (listed === null) return <p class="empty">{t("loading")}</p>;
  return (
    <>
      <h1>{t("zones")}</h1>
      <div class={`zones${isStale.value ? " stale" : ""}`}>
        {ZONES.map((zone) => (
          <Zone key={zone.name} zone={zone} rows={listed.filter((row) => (row.zone ?? "stable") === zone.name)} />
        ))}
      </div>
    </>
  );
}

function Zone({ zone, rows }: { zone: (typeof ZONES)[number]; rows: ModuleStatus[] }) {
  const ask = (verb: "restart" | "reset") => {
    question.value = {
      title: t(verb === "restart" ? "zoneRestartAsk" : "zoneResetAsk", zone.name),
      button: t(verb === "restart" ? "zoneRestart" : "zoneReset"),
      isDangerous: true,
      act: () => change("POST", `/zones/${zone.name}/${verb}`),
      done: t("done", `${zone.name}, ${t(verb === "restart" ? "zoneRestart" : "zoneReset")}`),
      after: () => void readModules(),
    };
  };
  return (
    <section class="card zone" aria-labelledby={`zone-${zone.name}`}>
      <header class="card-head">
        <h2 id={`zone-${zone.name}`}>
          {zone.name} <span class="count">{rows.length}</span>
        </h2>
      </header>
      <p class="dim pad-x">{t(zone.word)}</p>
      <ZoneUse rows={rows} />
      {rows.length === 0 && <p class="empty">{t("zoneEmpty")}</p>}
      <ul class="zone-list">
        {rows.slice(0, 300).map((row) => (
          <li key={row.id}>
            <a href={href({ page: "module", id: row.id, tab: "story" })}>{clean(row.id)}</a>
            <StateBadge status={row.status} held={row.held} />
            {zone.name === "sandbox" && may("operator") && (
              <button type="button" class="small" onClick={() => askPromote(row.id)}>{t("promote")}</button>
            )}
          </li>
        ))}
      </ul>
      {zone.isOrdered && rows.length > 0 && may("operator") && (
        <div class="buttons pad-x">
          <button type="button" onClick={() => ask("restart")}>{t("zoneRestart")}</button>
          <button type="button" onClick={() => ask("reset")}>{t("zoneReset")}</button>
        </div>
      )}
    </section>
  );
}

function ZoneUse({ rows }: { rows: ModuleStatus[] }) {
  void ringTurn.value;
  const seen = rows.filter((row) => row.pid !== null).map((row) => trail(row.id));
  const cpu = seen.reduce((sum, each) => sum + (each?.cpu[each.cpu.length - 1] ?? 0), 0);
  const rss = seen.reduce((sum, each) => sum + (each?.rss ?? 0), 0);
  return (
    <dl class="pairs pad-x">
      <div><dt>{t("cpu")}</dt><dd>{percent(cpu, language.value)}</dd></div>
      <div><dt>{t("memory")}</dt><dd>{bytes(rss, language.value)}</dd></div>
    </dl>
  );
}

/** Asks before a module moves to the stable zone. */
export function askPromote(id: string): void {
  question.value = {
    title: t("promoteAsk", clean(id)),
    button: t("promote"),
    isDangerous: false,
    act: () => change("POST", `/modules/${encodeURIComponent(id)}/promote`),
    done: t("done", `${t("promote")}, ${clean(id)}`),
    after: () => void readModules(),
  };
}
