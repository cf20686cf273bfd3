// Decisions as a feed: when, about whom, what and why.

import { moment, stamp } from "../format";
import { href } from "../route";
import { sentence, weight } from "../say";
import { language, t } from "../settings";
import { meanings, nowMs } from "../store";
import { clean } from "../text";
import type { JournalRow } from "../types";
import { WEIGHT_SYMBOLS } from "./state";

export function Feed({ rows, hasModule = true }: { rows: JournalRow[]; hasModule?: boolean }) {
  if (rows.length === 0) return <p class="empty">{t("eventsNone")}</p>;
  return (
    <ol class="feed">
      {repeated(rows).map(({ row, count }) => {
        const said = sentence(meanings.value, row, language.value);
        const heavy = weight(row);
        return (
          <li class={`event w-${heavy}`} key={`${row.seq} ${row.tsMs} ${row.code} ${row.moduleId ?? ""}`}>
            <time dateTime={stamp(row.tsMs)} title={stamp(row.tsMs)}>{moment(row.tsMs, nowMs.peek(), language.value)}</time>
            <span class="symbol" aria-hidden="true">{WEIGHT_SYMBOLS[heavy]}</span>
            <span class="event-text">
              {hasModule && row.moduleId !== null && row.moduleId !== undefined && (
                <a class="event-name" href={href({ page: "module", id: row.moduleId, tab: "story" })}>{clean(row.moduleId)}</a>
              )}{" "}
              {said}
              {count > 1 && <span class="count"> ×{count}</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** Puts rows that say the same about the same module side by side together: a module in a loop fills no screen. */
function repeated(rows: JournalRow[]): { row: JournalRow; count: number }[] {
  const all: { row: JournalRow; count: number; said: string }[] = [];
  for (const row of rows) {
    const said = `${row.moduleId ?? ""} ${sentence(meanings.value, row, language.value)}`;
    const last = all[all.length - 1];
    if (last !== undefined && last.said === said) last.count += 1;
    else all.push({ row, count: 1, said });
  }
  return all;
}
