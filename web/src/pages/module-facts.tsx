// What a module is, what it may, and what it uses of what it may use.

import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { change, get } from "../api";
import { Chart } from "../parts/chart";
import { question } from "../parts/dialog";
import { RightList } from "../parts/rights";
import { bytes, limit, number, percent } from "../format";
import { difference, standing } from "../rights";
import { href } from "../route";
import { language, t, tOf } from "../settings";
import { may, ringTurn, tellRefusal, trail, turn } from "../store";
import { clean } from "../text";
import type { History, ModuleDetail, PermissionRow, VariableRow } from "../types";

/** What a module is, as its files say. */
export function Definition({ detail }: { detail: ModuleDetail }) {
  return (
    <div class="stack">
      <section class="card pad">
        <dl class="pairs long">
          <Pair name={t("commandLine")}><code>{detail.command.map(clean).map(quoted).join(" ") || "–"}</code></Pair>
          <Pair name={t("folder")}>{clean(detail.folder ?? "–")}</Pair>
          <Pair name={t("runtime")}>{clean(detail.runtime)} {clean(detail.version)}</Pair>
          <Names name={t("needs")} names={detail.needs} isModules />
          <Names name={t("provides")} names={detail.provides} />
          <Names name={t("requires")} names={detail.requires} />
          <Names name={t("mayCall")} names={detail.mayCall} />
          <Names name={t("hears")} names={detail.topics} />
          <Pair name={t("configKey")}><code>{clean(detail.configKey ?? "–")}</code></Pair>
          <Pair name={t("manifest")}><code class="hash">{clean(detail.manifestHash ?? "–")}</code></Pair>
        </dl>
        <p class="dim">{t("configNote", "")}<code>ostoja config show --origin</code></p>
      </section>
      {may("developer") && <Variables id={detail.id} />}
    </div>
  );
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function Pair({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function Names({ name, names, isModules = false }: { name: string; names: string[]; isModules?: boolean }) {
  if (names.length === 0) return null;
  return (
    <Pair name={name}>
      <ul class="tags">
        {names.slice(0, 100).map((each) => (
          <li>{isModules ? <a href={href({ page: "module", id: each, tab: "story" })}>{clean(each)}</a> : <code>{clean(each)}</code>}</li>
        ))}
      </ul>
    </Pair>
  );
}

function Variables({ id }: { id: string }) {
  const [rows, setRows] = useState<VariableRow[] | null>(null);
  useEffect(() => {
    get<{ variables?: VariableRow[] }>("/context", { scope: `module:${id}` }).then(
      (list) => setRows(list.variables ?? []),
      () => setRows([]),
    );
  }, [id, turn.value]);
  return (
    <section class="card pad" aria-labelledby="variables-title">
      <h2 id="variables-title">{t("variables")}</h2>
      {rows !== null && rows.length === 0 && <p class="dim">{t("noVariables")}</p>}
      <ul class="tags">
        {(rows ?? []).slice(0, 200).map((row) => <li><code>{clean(row.key)}</code></li>)}
      </ul>
    </section>
  );
}

/** What it may, what it asks for, what was refused; and each layer that holds it to that. */
export function Permissions({ detail }: { detail: ModuleDetail }) {
  const [row, setRow] = useState<PermissionRow | null>(null);
  useEffect(() => {
    get<{ modules: PermissionRow[] }>("/permissions", { module: detail.id }).then(
      ({ modules }) => setRow(modules.find((each) => each.moduleId === detail.id) ?? null),
      (error: unknown) => tellRefusal(error, t("failed")),
    );
  }, [detail.id, turn.value]);
  const lines = row === null ? difference(detail.effective, detail.declared) : standing(row, detail.declared);
  const isFree = detail.runtime === "command" && lines.length === 0;
  const later = Object.entries(row?.dynamic ?? {}).filter(([, values]) => values.length > 0);
  const revoke = () => {
    const permissions = Object.fromEntries(later);
    question.value = {
      title: t("revokeAsk", clean(detail.id)),
      button: t("revoke"),
      isDangerous: true,
      body: <RightList lines={difference(permissions, {})} empty="" />,
      plan: () => change("POST", "/permissions/revoke", { moduleId: detail.id, permissions, dryRun: true }),
      act: () => change("POST", "/permissions/revoke", { moduleId: detail.id, permissions }),
      done: t("done", `${t("revoke")}, ${clean(detail.id)}`),
    };
  };
  return (
    <div class="columns even">
      <section class="card pad" aria-labelledby="rights-title">
        <h2 id="rights-title">{t("declared")}</h2>
        <RightList lines={lines} empty={isFree ? t("kindFree") : t("mayNothing")} />
        {later.length > 0 && may("admin") && (
          <div class="buttons"><button type="button" onClick={revoke}>{t("revoke")}</button></div>
        )}
        {(row?.pending.length ?? 0) > 0 && <p><a href={href({ page: "approvals" })}>{t("approvals")}: {row?.pending.length}</a></p>}
      </section>
      <section class="card pad" aria-labelledby="layers-title">
        <h2 id="layers-title">{t("layers")}</h2>
        <p class="dim">{clean(detail.containment) || "–"}</p>
        <ul class="layers">
          {detail.confinement.map((line) => <li><code>{clean(line)}</code></li>)}
        </ul>
      </section>
    </div>
  );
}

/** Bounds beside what is used of them, and the last 24 hours. */
export function Limits({ detail }: { detail: ModuleDetail }) {
  const [past, setPast] = useState<History | null>(null);
  useEffect(() => {
    get<History>("/usage/history", { module: detail.id }).then(setPast, () => setPast(null));
  }, [detail.id]);
  const lang = language.value;
  const bounds = detail.limits ?? {};
  const times = (past?.tsMs ?? []).map((ms) => ms / 1000);
  const label = t("span1440");
  const cpuBound = bounds["cpu"] === undefined ? undefined : bounds["cpu"] / 10;
  return (
    <div class="stack">
      <Bounds detail={detail} />
      <h2>{t("last24")}</h2>
      <div class="charts">
        <Chart title={t("cpu")} unit={t("cpuUnit")} tone="cpu" columns={[times, past?.cpuPercent ?? []]} format={(value) => percent(value, lang)} spanLabel={label} bound={cpuBound} />
        <Chart title={t("memory")} unit="" tone="memory" columns={[times, past?.rssBytes ?? []]} format={(value) => bytes(value, lang)} spanLabel={label} bound={bounds["memory"]} />
        <Chart title={t("messages")} unit={t("messagesUnit")} tone="messages" columns={[times, past?.framesPerS ?? []]} format={(value) => number(value, lang, 1)} spanLabel={label} />
      </div>
    </div>
  );
}

function Bounds({ detail }: { detail: ModuleDetail }) {
  void ringTurn.value;
  const lang = language.value;
  const seen = detail.pid === null ? undefined : trail(detail.id);
  const cpu = seen?.cpu[seen.cpu.length - 1];
  const used: Record<string, number | undefined> = {
    cpu: cpu === undefined ? undefined : cpu * 10,
    memory: seen?.rss ?? detail.rssBytes ?? undefined,
    messages_per_s: seen?.rate,
    cpu_seconds: detail.cpuMs === null ? undefined : detail.cpuMs / 1000,
  };
  const bounds = Object.entries(detail.limits ?? {});
  const free = (["cpu", "memory"] as const).filter((name) => !bounds.some(([bound]) => bound === name));
  return (
    <section class="card pad" aria-labelledby="bounds-title">
      <h2 id="bounds-title">{t("limits")}</h2>
      {bounds.length === 0 && <p class="dim">{t("noLimits")}</p>}
      <ul class="bounds">
        {bounds.map(([name, bound]) => <Bound name={name} bound={bound} used={used[name]} />)}
        {free.map((name) => (
          <li>
            <span>{tOf("res", name)}</span>
            <span class="num">{used[name] === undefined ? "–" : limit(name, used[name] ?? 0, lang)}</span>
            <span class="dim">{t("unbounded")}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Bound({ name, bound, used }: { name: string; bound: number; used: number | undefined }) {
  const lang = language.value;
  const title = tOf("res", clean(name));
  const share = used === undefined || bound <= 0 ? 0 : Math.min(1, used / bound);
  return (
    <li>
      <span>{title}</span>
      <span class="num">
        {used === undefined ? "" : `${limit(name, used, lang)} / `}
        {limit(name, bound, lang)}
      </span>
      {used === undefined ? (
        <span class="dim">{t("bound")}</span>
      ) : (
        <meter min={0} max={1} high={0.8} low={0.7} optimum={0} value={share} aria-label={`${title}: ${t("used")}`} />
      )}
    </li>
  );
}
