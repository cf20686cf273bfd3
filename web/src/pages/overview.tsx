// The first screen: is all well, what happens, what waits for me.

import { signal, useComputed } from "@preact/signals";
import { Chart } from "../parts/chart";
import { Feed } from "../parts/events";
import { PendingList } from "./approvals";
import { StateBadge, urgency } from "../parts/state";
import { age, bytes, number, percent } from "../format";
import { href } from "../route";
import type { Weight } from "../say";
import { language, t } from "../settings";
import { events, isStale, kernel, link, modules, nowMs, pending, ring, ringTurn } from "../store";
import { clean } from "../text";
import type { ModuleStatus } from "../types";

/** Minutes that the charts can show. */
const SPANS = [10, 60, 1440] as const;

const span = signal<(typeof SPANS)[number]>(10);

export function Overview() {
  return (
    <>
      <h1 class="unseen">{t("overview")}</h1>
      <Tiles />
      <Charts />
      <div class="columns">
        <section class="card" aria-labelledby="events-title">
          <header class="card-head">
            <h2 id="events-title">{t("events")}</h2>
            <a href={href({ page: "journal" })}>{t("wholeJournal")}</a>
          </header>
          <div class="scroll" tabIndex={0} role="group" aria-labelledby="events-title">
            <Feed rows={events.value.slice(0, 60)} />
          </div>
        </section>
        <div class="stack">
          <section class="card" aria-labelledby="pending-title">
            <header class="card-head">
              <h2 id="pending-title">{t("pending")}</h2>
            </header>
            <PendingList compact />
          </section>
          <Attention />
        </div>
      </div>
    </>
  );
}

interface TileProps {
  title: string;
  word: string;
  note: string;
  weight: Weight;
  symbol: string;
  address: string;
}

function Tile({ title, word, note, weight, symbol, address }: TileProps) {
  return (
    <li>
      <a class={`tile w-${weight}`} href={address}>
        <span class="tile-title">{title}</span>
        <span class="tile-word">
          <span class="symbol" aria-hidden="true">{symbol}</span>
          {word}
        </span>
        <span class="tile-note" title={note}>{note}</span>
      </a>
    </li>
  );
}

function Tiles() {
  const listed = modules.value;
  const present = kernel.value;
  const waiting = pending.value.length;
  return (
    <ul class={`tiles${isStale.value ? " stale" : ""}`}>
      <KernelTile />
      <ModulesTile listed={listed} />
      <LoadTile listed={listed} />
      <RestartsTile listed={listed} />
      <Tile
        title={t("approvals")}
        word={waiting === 0 ? t("noneWord") : String(waiting)}
        note={waiting === 0 ? t("approvalsNone") : t("approvalsSome")}
        weight={waiting === 0 ? "good" : "soon"}
        symbol={waiting === 0 ? "●" : "▲"}
        address={href({ page: "approvals" })}
      />
      <Tile
        title={t("journal")}
        word={present === null ? t("loading") : present.journal === "well" ? t("well") : t("trouble")}
        note={present === null || present.journal === "well" ? t("writable") : clean(present.journal)}
        weight={present === null ? "rest" : present.journal === "well" ? "good" : "bad"}
        symbol={present === null ? "·" : present.journal === "well" ? "●" : "✕"}
        address={href({ page: "journal" })}
      />
    </ul>
  );
}

function KernelTile() {
  const present = kernel.value;
  const started = present?.startedAtMs;
  const isLive = link.value === "live";
  const isTroubled = isLive && present !== null && (present.troubles.length > 0 || Boolean(present.safeMode));
  const word = isLive ? (isTroubled ? t("trouble") : t("running")) : link.value === "connecting" ? t("connecting") : t("gone");
  const weight: Weight = isLive ? (isTroubled ? "soon" : "good") : link.value === "connecting" ? "rest" : "bad";
  const troubles = present?.safeMode ? t("safeMode") : clean(present?.troubles[0] ?? "");
  const note = isTroubled ? troubles : started === undefined ? "" : t("up", age(nowMs.value - started));
  return (
    <Tile
      title={t("kernel")}
      word={word}
      note={note}
      weight={weight}
      symbol={weight === "good" ? "●" : weight === "bad" ? "✕" : weight === "soon" ? "▲" : "◔"}
      address={href({ page: "settings" })}
    />
  );
}

function ModulesTile({ listed }: { listed: ModuleStatus[] | null }) {
  const all = listed ?? [];
  const well = all.filter((row) => row.status === "ready" || row.status === "completed").length;
  const bad = all.filter((row) => urgency(row.status) === 0);
  const unwell = all.filter((row) => row.status !== "ready" && row.status !== "completed");
  const isMeant = unwell.every((row) => row.status === "stopped");
  const weight: Weight = all.length === 0 ? "rest" : bad.length > 0 ? "bad" : unwell.length === 0 ? "good" : isMeant ? "rest" : "soon";
  const note = all.length === 0 ? t("noModules") : unwell.length === 0 ? t("allReady") : t("notReady", names(unwell));
  return (
    <Tile
      title={t("modules")}
      word={listed === null ? t("loading") : t("readyOf", well, all.length)}
      note={note}
      weight={weight}
      symbol={{ good: "●", soon: "▲", bad: "✕", rest: "○" }[weight]}
      address={href({ page: "modules" })}
    />
  );
}

function LoadTile({ listed }: { listed: ModuleStatus[] | null }) {
  const held = (listed ?? []).filter((row) => Boolean(row.held));
  return (
    <Tile
      title={t("load")}
      word={held.length === 0 ? t("well") : String(held.length)}
      note={held.length === 0 ? t("noneHeld") : t("held", names(held))}
      weight={held.length === 0 ? "good" : "soon"}
      symbol={held.length === 0 ? "●" : "▼"}
      address={href({ page: "zones" })}
    />
  );
}

function RestartsTile({ listed }: { listed: ModuleStatus[] | null }) {
  const all = [...(listed ?? [])].sort((a, b) => b.restartsTotal - a.restartsTotal);
  const total = all.reduce((sum, row) => sum + row.restartsTotal, 0);
  const isRecent = all.some((row) => row.restartCount > 0);
  return (
    <Tile
      title={t("restarts")}
      word={total === 0 ? t("noneWord") : number(total, language.value)}
      note={total === 0 ? t("restartsNone") : t("restartsMost", `${clean(all[0]?.id)} ×${all[0]?.restartsTotal ?? 0}`)}
      weight={isRecent ? "soon" : total === 0 ? "good" : "rest"}
      symbol={isRecent ? "↻" : total === 0 ? "●" : "○"}
      address={href({ page: "modules" })}
    />
  );
}

function names(rows: ModuleStatus[]): string {
  const first = rows.slice(0, 3).map((row) => clean(row.id)).join(", ");
  return rows.length > 3 ? `${first} +${rows.length - 3}` : first;
}

function Charts() {
  const minutes = span.value;
  const columns = useComputed(() => {
    void ringTurn.value;
    return ring.columns(span.value * 60_000, nowMs.peek());
  }).value;
  const times = columns[0] ?? [];
  const spanLabel = t(spanWord(minutes));
  const pick = (index: number) => [times, columns[index] ?? []];
  const lang = language.value;
  return (
    <section class={isStale.value ? "stale" : ""} aria-labelledby="use-title">
      <header class="section-head">
        <h2 id="use-title">{t("use")}</h2>
        <div class="chips" role="group" aria-label={t("spanLabel")}>
          {SPANS.map((each) => (
            <button type="button" class="chip" aria-pressed={each === minutes} onClick={() => (span.value = each)}>
              {t(spanWord(each))}
            </button>
          ))}
        </div>
      </header>
      <div class="charts">
        <Chart title={t("cpu")} unit={t("cpuUnit")} tone="cpu" columns={pick(1)} format={(value) => percent(value, lang)} spanLabel={spanLabel} />
        <Chart title={t("memory")} unit={t("memoryUnit")} tone="memory" columns={pick(2)} format={(value) => bytes(value, lang)} spanLabel={spanLabel} />
        <Chart title={t("messages")} unit={t("messagesUnit")} tone="messages" columns={pick(3)} format={(value) => number(value, lang, value !== null && value !== undefined && value < 10 ? 1 : 0)} spanLabel={spanLabel} />
      </div>
    </section>
  );
}

function spanWord(minutes: (typeof SPANS)[number]): "span10" | "span60" | "span1440" {
  return `span${minutes}`;
}

function Attention() {
  const rows = (modules.value ?? [])
    .filter((row) => !["ready", "completed", "stopped"].includes(row.status) || Boolean(row.held) || (row.status === "stopped" && row.note !== ""))
    .sort((a, b) => urgency(a.status) - urgency(b.status))
    .slice(0, 12);
  const troubles = kernel.value?.troubles ?? [];
  return (
    <section class="card" aria-labelledby="attention-title">
      <header class="card-head">
        <h2 id="attention-title">{t("attention")}</h2>
      </header>
      {rows.length === 0 && troubles.length === 0 && <p class="empty good-word"><span aria-hidden="true">●</span> {t("attentionNone")}</p>}
      <ul class="attention">
        {troubles.map((text) => (
          <li class="w-soon"><span class="symbol" aria-hidden="true">▲</span> {clean(text)}</li>
        ))}
        {rows.map((row) => (
          <li>
            <a class="attention-name" href={href({ page: "module", id: row.id, tab: "story" })}>{clean(row.id)}</a>
            <StateBadge status={row.status} held={row.held} />
            <span class="dim wide">{clean(row.note)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
