// What a module says: searched and followed. Lines are strangers' text and stay text.

import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get } from "../api";
import { moment, stamp } from "../format";
import { language, t } from "../settings";
import { isStale, may, modules, nowMs, tellRefusal } from "../store";
import { follow } from "../stream";
import { clean, pieces, valueText } from "../text";
import type { LogLine } from "../types";

/** 2,000 lines are kept on the page; older ones are on disk. */
const LINES_MAX = 2000;

/** 500 lines are asked for first. */
const LINES_FIRST = 500;

/** 100 ms: a flood is drawn ten times a second, not once for each line. */
const DRAW_PAUSE_MS = 100;

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];

interface Row {
  key: number;
  line: LogLine;
  /** How it was drawn last, and for what: the same node again costs nothing. */
  drawn?: { of: string; node: VNode };
}

export function Logs({ id }: { id: string }) {
  const [rows, setRows] = useState<Row[] | null>(null);
  const [lost, setLost] = useState(0);
  const [search, setSearch] = useState("");
  const [level, setLevel] = useState("trace");
  const [life, setLife] = useState("");
  const [isFollowing, setFollowing] = useState(true);
  const [isWrapped, setWrapped] = useState(true);
  const generation = modules.value?.find((row) => row.id === id)?.generation ?? null;
  useLines(id, isFollowing, setRows, setLost);
  const shown = useMemo(() => {
    const wanted = search.trim().toLowerCase();
    const least = LEVELS.indexOf(level);
    return (rows ?? []).filter(
      ({ line }) =>
        (wanted === "" || line.msg.toLowerCase().includes(wanted)) &&
        (least <= 0 || LEVELS.indexOf(line.level) >= least) &&
        (life === "" || line.generation === Number(life)),
    );
  }, [rows, search, level, life]);
  const lifeNumbers = [...new Set((rows ?? []).map(({ line }) => line.generation))].sort((a, b) => b - a).slice(0, 50);
  if (!may("developer")) return <p class="card empty">{t("needsRole", "developer")}</p>;
  return (
    <div class="stack">
      <div class="toolbar">
        <label class="field grow">
          <span class="unseen">{t("search")}</span>
          <input type="search" data-search placeholder={t("search")} spellcheck={false} value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span class="unseen">{t("level")}</span>
          <select value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
            {LEVELS.map((each) => <option value={each}>{t("levelFrom", each)}</option>)}
          </select>
        </label>
        <label class="field">
          <span class="unseen">{t("life")}</span>
          <select value={life} onChange={(event) => setLife(event.currentTarget.value)}>
            <option value="">{t("allLives")}</option>
            {lifeNumbers.map((each) => <option value={String(each)}>{t("life")} {each}{each === generation ? ` (${t("now")})` : ""}</option>)}
          </select>
        </label>
        <button type="button" class="chip" aria-pressed={isWrapped} onClick={() => setWrapped(!isWrapped)}>{t("wrap")}</button>
        <button type="button" class="chip" aria-pressed={isFollowing} onClick={() => setFollowing(!isFollowing)}>{t("follow")}</button>
      </div>
      <p class="log-count dim" role="status">
        {t("linesShown", shown.length)}{lost > 0 ? ` · ${t("linesLost", lost)}` : ""} · {isFollowing ? t("followOn") : t("followOff")}
      </p>
      {rows === null ? <p class="empty">{t("loading")}</p> : <Lines id={id} rows={shown} all={rows.length} search={search.trim()} isFollowing={isFollowing} isWrapped={isWrapped} />}
    </div>
  );
}

/** Reads what there is, then takes what comes. */
function useLines(id: string, isFollowing: boolean, setRows: (make: (rows: Row[] | null) => Row[]) => void, setLost: (make: (lost: number) => number) => void): void {
  const key = useRef(0);
  useEffect(() => {
    if (!may("developer")) return undefined;
    let isOver = false;
    let waiting: LogLine[] = [];
    let timer: ReturnType<typeof setTimeout> | null = null;
    const rowed = (lines: LogLine[]): Row[] => lines.map((line) => ({ key: (key.current += 1), line }));
    const draw = () => {
      timer = null;
      const came = rowed(waiting);
      waiting = [];
      setRows((rows) => [...(rows ?? []), ...came].slice(-LINES_MAX));
    };
    const read = () =>
      get<{ lines: LogLine[]; lost: number }>("/logs", { modules: id, lines: LINES_FIRST }).then(
        (page) => {
          if (isOver) return;
          waiting = [];
          setRows(() => rowed(page.lines));
          setLost(() => page.lost);
        },
        (error: unknown) => {
          if (!isOver) tellRefusal(error, t("failed"));
        },
      );
    if (!isFollowing) {
      void read();
      return () => (isOver = true);
    }
    const stop = follow(`/events?topics=logs&modules=${encodeURIComponent(id)}`, {
      onOpen: () => void read(),
      onClosed: () => undefined,
      onEvent: (event) => {
        if (event.event === "lost") setLost((lost) => lost + 1);
        if (event.event !== "log") return;
        const line = parsed(event.data);
        if (line === null || line.moduleId !== id) return;
        waiting.push(line);
        if (waiting.length > LINES_MAX) waiting = waiting.slice(-LINES_MAX);
        timer ??= setTimeout(draw, DRAW_PAUSE_MS);
      },
    });
    return () => {
      isOver = true;
      stop();
      if (timer !== null) clearTimeout(timer);
    };
  }, [id, isFollowing]);
}

function parsed(text: string): LogLine | null {
  try {
    const line = JSON.parse(text) as LogLine;
    return typeof line.msg === "string" && typeof line.tsMs === "number" ? line : null;
  } catch {
    return null;
  }
}

interface LinesProps {
  id: string;
  rows: Row[];
  all: number;
  search: string;
  isFollowing: boolean;
  isWrapped: boolean;
}

function Lines({ id, rows, all, search, isFollowing, isWrapped }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  // Whoever has scrolled up reads there; new lines pull nobody away.
  const isAtEnd = useRef(true);
  useEffect(() => {
    const present = box.current;
    if (present !== null && isFollowing && isAtEnd.current) present.scrollTop = present.scrollHeight;
  }, [rows, isFollowing, isWrapped]);
  const last = rows[rows.length - 1]?.key;
  return (
    <div
      ref={box}
      class={`card log${isWrapped ? " wrapped" : ""}${isStale.value ? " stale" : ""}`}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={t("logOf", clean(id))}
      data-last={last}
      onScroll={(event) => {
        const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
        isAtEnd.current = scrollTop + clientHeight > scrollHeight - 24;
      }}
    >
      {rows.length === 0 && <p class="empty">{all === 0 ? t("noLines") : t("noLinesMatch")}</p>}
      {rows.map((row) => drawn(row, search))}
    </div>
  );
}

/** One line; drawn again only for another search or language. */
function drawn(row: Row, search: string): VNode {
  const of = `${language.value} ${search}`;
  if (row.drawn?.of === of) return row.drawn.node;
  const { key, line } = row;
  const node = (
    <div class={`line l-${levelClass(line.level)}`} key={key}>
      <time dateTime={stamp(line.tsMs)}>{moment(line.tsMs, nowMs.peek(), language.value)}</time>
      <span class="line-level">{clean(line.source === "stderr" ? "stderr" : line.level)}</span>
      <span class="line-text">
        {pieces(clean(line.msg), search).map(({ text, isHit }) => (isHit ? <mark>{text}</mark> : text))}
        {line.data !== undefined && line.data !== null && <span class="dim"> {valueText(line.data)}</span>}
      </span>
    </div>
  );
  row.drawn = { of, node };
  return node;
}

function levelClass(level: string): string {
  return LEVELS.includes(level) ? level : "info";
}
