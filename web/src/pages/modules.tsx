// All modules: one row each, the unwell first, with what they use now.

import { signal, useComputed } from "@preact/signals";
import { Spark, sparkLine } from "../parts/chart";
import { askModule } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { StateBadge, urgency } from "../parts/state";
import { age, bytes, number, percent } from "../format";
import { href } from "../route";
import { language, t, tOf } from "../settings";
import { isStale, may, modules, nowMs, ringTurn, trail } from "../store";
import { clean } from "../text";
import type { ModuleStatus } from "../types";

/** 60 rows at first: what is drawn twice a second has to stay cheap with hundreds of modules. */
const ROWS_STEP = 60;

const filter = signal("");
const onlyState = signal("");
const shown = signal(ROWS_STEP);

export function Modules() {
  const listed = modules.value;
  if (listed === null) return <p class="empty">{t("loading")}</p>;
  const wanted = filter.value.trim().toLowerCase();
  const fitting = listed
    .filter((row) => onlyState.value === "" || row.status === onlyState.value)
    .filter((row) => wanted === "" || row.id.toLowerCase().includes(wanted) || row.note.toLowerCase().includes(wanted))
    .sort((a, b) => urgency(a.status) - urgency(b.status) || (a.id < b.id ? -1 : 1));
  const states = [...new Set(listed.map((row) => row.status))].sort();
  return (
    <>
      <h1>{t("modules")}</h1>
      <div class="toolbar">
        <label class="field grow">
          <span class="unseen">{t("filter")}</span>
          <input
            type="search"
            data-search
            placeholder={t("filter")}
            value={filter.value}
            onInput={(event) => (filter.value = event.currentTarget.value)}
          />
        </label>
        <div class="chips" role="group" aria-label={t("filterState")}>
          {["", ...states].map((state) => (
            <button type="button" class="chip" aria-pressed={onlyState.value === state} onClick={() => (onlyState.value = state)}>
              {state === "" ? t("every") : tOf("st", clean(state))}{" "}
              <span class="count">{state === "" ? listed.length : listed.filter((row) => row.status === state).length}</span>
            </button>
          ))}
        </div>
      </div>
      <p class="unseen" role="status">{t("shownOf", fitting.length, listed.length)}</p>
      {fitting.length === 0 ? (
        <p class="card empty">{listed.length === 0 ? t("noModules") : t("noMatch")}</p>
      ) : (
        <Table rows={fitting.slice(0, shown.value)} />
      )}
      {fitting.length > shown.value && (
        <p class="more">
          <button type="button" onClick={() => (shown.value += ROWS_STEP)}>
            {t("showMore", Math.min(ROWS_STEP, fitting.length - shown.value))}
          </button>
        </p>
      )}
    </>
  );
}

function Table({ rows }: { rows: ModuleStatus[] }) {
  const isOperator = may("operator");
  return (
    <div class={`card table-box${isStale.value ? " stale" : ""}`}>
      <table class="list modules">
        <thead>
          <tr>
            <th scope="col">{t("name")}</th>
            <th scope="col">{t("state")}</th>
            <th scope="col">{t("zone")}</th>
            <th scope="col" class="num">{t("cpu")}</th>
            <th scope="col" class="num">{t("memory")}</th>
            <th scope="col" class="num">{t("rate")}</th>
            <th scope="col" class="num">{t("restarts")}</th>
            <th scope="col" class="num">{t("uptime")}</th>
            {isOperator && <th scope="col" class="acts">{t("actions")}</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.id} row={row} isOperator={isOperator} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, isOperator }: { row: ModuleStatus; isOperator: boolean }) {
  const name = clean(row.id);
  const runs = row.pid !== null;
  return (
    <tr>
      <th scope="row">
        <a href={href({ page: "module", id: row.id, tab: "story" })}>{name}</a>
        {row.note !== "" && <span class="note" title={clean(row.note)}>{clean(row.note)}</span>}
      </th>
      <td data-label={t("state")}><StateBadge status={row.status} held={row.held} /></td>
      <td data-label={t("zone")} class="zone-cell">{clean(row.zone ?? "")}</td>
      <Use key={`${row.pid}`} row={row} />
      <td data-label={t("restarts")} class={`num${row.restartCount > 0 ? " soon-word" : ""}`}>{number(row.restartsTotal, language.value)}</td>
      <td data-label={t("uptime")} class="num"><Up key={`${row.startedAt} ${row.pid}`} row={row} /></td>
      {isOperator && (
        <td class="acts">
          {runs || row.status === "restarting" ? (
            <>
              <button type="button" class="quiet" aria-label={`${t("restart")}: ${name}`} title={t("restart")} onClick={() => askModule("restart", row.id)}>
                <Icon name="restart" />
              </button>
              <button type="button" class="quiet" aria-label={`${t("stop")}: ${name}`} title={t("stop")} onClick={() => askModule("stop", row.id)}>
                <Icon name="stop" />
              </button>
            </>
          ) : (
            <button type="button" class="quiet" aria-label={`${t("start")}: ${name}`} title={t("start")} onClick={() => askModule("start", row.id)}>
              <Icon name="start" />
            </button>
          )}
        </td>
      )}
    </tr>
  );
}

/** What changes with every measurement is bound to the texts themselves: no row is drawn again for it. */
function Use({ row }: { row: ModuleStatus }) {
  const { id, rssBytes } = row;
  const runs = row.pid !== null;
  const seen = (): ReturnType<typeof trail> => {
    void ringTurn.value;
    return runs ? trail(id) : undefined;
  };
  const cpu = useComputed(() => percent(seen()?.cpu.at(-1) ?? null, language.value));
  const line = useComputed(() => sparkLine(seen()?.cpu ?? [], 10));
  const memory = useComputed(() => bytes(seen()?.rss ?? (runs ? rssBytes : null), language.value));
  const rate = useComputed(() => number(seen()?.rate ?? null, language.value, 1));
  return (
    <>
      <td data-label={t("cpu")} class="num use">
        <span class="use-box">
          <Spark line={line} />
          <span>{cpu}</span>
        </span>
      </td>
      <td data-label={t("memory")} class="num">{memory}</td>
      <td data-label={t("rate")} class="num">{rate}</td>
    </>
  );
}

function Up({ row }: { row: ModuleStatus }) {
  const startedAt = row.pid === null ? null : row.startedAt;
  const text = useComputed(() => age(startedAt === null ? null : nowMs.value - startedAt));
  return <>{text}</>;
}
