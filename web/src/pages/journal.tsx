// The journal: every decision, newest first, filtered by the server, page by page into the past.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { moment, stamp } from "../format";
import { WEIGHT_SYMBOLS } from "../parts/state";
import { href } from "../route";
import { remedy, sentence, weight } from "../say";
import { language, t } from "../settings";
import { events, meanings, nowMs, tellRefusal } from "../store";
import { clean, valueText } from "../text";
import type { JournalRow } from "../types";

/** 100 records a page. */
const PAGE_RECORDS = 100;

/** 3,000 records are kept on the page at the most; whoever goes further back starts from a filter. */
const RECORDS_MAX = 3000;

/** 500 ms between a decision and its reading: the journal is written by a thread of its own. */
const NEWER_PAUSE_MS = 500;

const module = signal("");
const code = signal("");

export function Journal() {
  const [rows, setRows] = useState<JournalRow[] | null>(null);
  const [hasOlder, setHasOlder] = useState(false);
  const [damaged, setDamaged] = useState(0);
  const read = async (before?: number) => {
    try {
      const page = await get<{ records: JournalRow[]; damaged?: unknown[] }>("/journal", {
        limit: PAGE_RECORDS,
        module: module.value.trim(),
        code: code.value.trim(),
        before,
      });
      const newestFirst = [...page.records].reverse();
      setRows((present) => (before === undefined ? newestFirst : [...(present ?? []), ...newestFirst]).slice(0, RECORDS_MAX));
      setHasOlder(page.records.length === PAGE_RECORDS);
      setDamaged(page.damaged?.length ?? 0);
    } catch (error) {
      tellRefusal(error, t("failed"));
      setRows((present) => present ?? []);
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void read(), 200);
    return () => clearTimeout(timer);
  }, [module.value, code.value]);
  const newest = rows?.[0];
  useEffect(() => {
    if (newest === undefined || !events.value.some((row) => row.tsMs >= newest.tsMs && row.seq !== newest.seq && fits(row))) return undefined;
    const timer = setTimeout(() => void readNewer(newest.seq, setRows), NEWER_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [events.value, newest?.seq]);
  const last = rows?.[rows.length - 1];
  return (
    <>
      <h1>{t("journal")}</h1>
      <div class="toolbar">
        <Filter label={t("filterModule")} value={module} isFirst />
        <Filter label={t("filterCode")} value={code} />
      </div>
      {damaged > 0 && <p class="banner w-bad" role="alert">{t("damaged", damaged)}</p>}
      {rows === null && <p class="empty">{t("loading")}</p>}
      {rows !== null && rows.length === 0 && <p class="card empty">{t("noRecords")}</p>}
      {rows !== null && rows.length > 0 && (
        <div class="card">
          <ol class="journal">
            {rows.map((row) => (
              <Record key={row.seq} row={row} />
            ))}
          </ol>
        </div>
      )}
      {hasOlder && last !== undefined && (
        <p class="more">
          <button type="button" onClick={() => void read(last.seq)}>{t("older")}</button>
        </p>
      )}
    </>
  );
}

/** Puts what was written since on top; who has gone back into the past stays there. */
async function readNewer(seq: number, setRows: (make: (rows: JournalRow[] | null) => JournalRow[]) => void): Promise<void> {
  try {
    const page = await get<{ records: JournalRow[] }>("/journal", { limit: PAGE_RECORDS, module: module.value.trim(), code: code.value.trim() });
    const newer = page.records.filter((row) => row.seq > seq).reverse();
    if (newer.length > 0) setRows((rows) => [...newer, ...(rows ?? [])].slice(0, RECORDS_MAX));
  } catch {
    // The state of the link tells; the next decision tries again.
  }
}

function fits(row: JournalRow): boolean {
  const wantedModule = module.value.trim();
  const wantedCode = code.value.trim();
  if (wantedModule !== "" && row.moduleId !== wantedModule) return false;
  if (wantedCode === "") return true;
  return wantedCode.endsWith(".") ? row.code.startsWith(wantedCode) : row.code === wantedCode;
}

function Filter({ label, value, isFirst = false }: { label: string; value: typeof module; isFirst?: boolean }) {
  return (
    <label class="field grow">
      <span class="unseen">{label}</span>
      <input
        type="search"
        data-search={isFirst ? true : undefined}
        placeholder={label}
        spellcheck={false}
        value={value.value}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    </label>
  );
}

function Record({ row }: { row: JournalRow }) {
  const heavy = weight(row);
  const helps = remedy(meanings.value, row);
  const facts = Object.entries(row.facts);
  return (
    <li class={`record w-${heavy}`}>
      <details>
        <summary>
          <time dateTime={stamp(row.tsMs)}>{moment(row.tsMs, nowMs.peek(), language.value)}</time>
          <span class="symbol" aria-hidden="true">{WEIGHT_SYMBOLS[heavy]}</span>
          <span class="record-text">
            {row.moduleId !== null && row.moduleId !== undefined && <b>{clean(row.moduleId)} </b>}
            {sentence(meanings.value, row, language.value)}
          </span>
          <code class="record-code">{clean(row.code)}</code>
        </summary>
        <dl class="pairs facts">
          <div><dt>seq</dt><dd>{row.seq}</dd></div>
          <div><dt>time</dt><dd>{stamp(row.tsMs)}</dd></div>
          {row.generation !== null && row.generation !== undefined && <div><dt>generation</dt><dd>{row.generation}</dd></div>}
          {facts.map(([name, value]) => (
            <div><dt>{clean(name)}</dt><dd>{valueText(value)}</dd></div>
          ))}
        </dl>
        {helps !== null && <p class="remedy"><code>{helps}</code></p>}
        {row.moduleId !== null && row.moduleId !== undefined && (
          <p><a href={href({ page: "module", id: row.moduleId, tab: "story" })}>{t("openModule", clean(row.moduleId))}</a></p>
        )}
      </details>
    </li>
  );
}
