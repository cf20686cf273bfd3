// Why a module is as it is: now, what happened, its last words, what to do; and its lives.

import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { Feed } from "../parts/events";
import { age, bytes, moment, number, span, stamp } from "../format";
import { lives } from "../lives";
import { href } from "../route";
import { remedy, sentence } from "../say";
import { language, t } from "../settings";
import { meanings, nowMs, tellRefusal, turn } from "../store";
import { clean } from "../text";
import type { JournalRow, ModuleDetail, Story } from "../types";

/** 200 records: several days of a calm module, the last minutes of one that falls again and again. */
const RECORDS = 200;

export function StoryPage({ detail }: { detail: ModuleDetail }) {
  const [story, setStory] = useState<Story | null>(null);
  useEffect(() => {
    get<Story>(`/modules/${encodeURIComponent(detail.id)}/why`, { limit: RECORDS }).then(setStory, (error: unknown) =>
      tellRefusal(error, t("failed")),
    );
  }, [detail.id, turn.value]);
  const records = story?.records ?? [];
  const words = story?.stderrTail ?? detail.stderrTail;
  return (
    <div class="columns">
      <div class="stack">
        <Next detail={detail} records={records} />
        <section class="card" aria-labelledby="past-title">
          <header class="card-head"><h2 id="past-title">{t("whatHappened")}</h2></header>
          {story !== null && records.length === 0 ? (
            <p class="empty">{t("knowsNothing")}</p>
          ) : (
            <div class="scroll" tabIndex={0} role="group" aria-labelledby="past-title">
              <Feed rows={[...records].reverse()} hasModule={false} />
            </div>
          )}
        </section>
        {words.length > 0 && (
          <section class="card" aria-labelledby="words-title">
            <header class="card-head"><h2 id="words-title">{t("lastWords")}</h2></header>
            <pre class="words" tabIndex={0}>{words.slice(-30).map((line) => `${clean(line)}\n`)}</pre>
          </section>
        )}
      </div>
      <div class="stack">
        <Facts detail={detail} />
        <Lives records={records} />
      </div>
    </div>
  );
}

function Next({ detail, records }: { detail: ModuleDetail; records: JournalRow[] }) {
  const helps = [...records].reverse().map((row) => remedy(meanings.value, row)).find((each) => each !== null);
  const refused = [...records].reverse().find((row) => row.code === "module.refused" || row.code === "module.ready");
  const isUnapproved = refused !== undefined && String(refused.facts["why"] ?? "").includes("approv");
  const { id, status } = detail;
  const logs = <a href={href({ page: "module", id, tab: "logs" })}>{t("doLogs")}</a>;
  const isFine = status === "ready" || status === "completed";
  return (
    <section class={`card pad next${isFine ? " fine" : ""}`} aria-labelledby="next-title">
      <h2 id="next-title">{t("whatToDo")}</h2>
      {detail.note !== "" && <p class="now-note">{clean(detail.note)}</p>}
      {detail.waitingFor.length > 0 && <p>{t("waitsFor")}: {detail.waitingFor.map(clean).join(", ")}</p>}
      {detail.restartAtMs !== null && detail.restartAtMs > nowMs.value && <p>{t("againIn", age(detail.restartAtMs - nowMs.value))}</p>}
      <ul>
        {status === "ready" && <li>{t("fine")}</li>}
        {status === "completed" && <li>{t("workDone")}</li>}
        {status === "starting" && <li>{t("doWatch")}: {logs}</li>}
        {status === "waiting" && <li><a href={href({ page: "graph" })}>{t("doProvider")}</a></li>}
        {["restarting", "crashed", "killed"].includes(status) && <li>{logs}</li>}
        {status === "stopped" && isUnapproved && <li><a href={href({ page: "approvals" })}>{t("doApprove")}</a></li>}
        {status === "stopped" && !isUnapproved && <li>{t("doStart")}</li>}
        {!isFine && helps !== undefined && helps !== null && <li>{t("doThen")}: <code>{helps}</code></li>}
      </ul>
    </section>
  );
}

function Facts({ detail }: { detail: ModuleDetail }) {
  const lang = language.value;
  const rows: [string, string][] = [
    [t("process"), detail.pid === null ? "–" : String(detail.pid)],
    [t("life"), detail.generation === null ? "–" : String(detail.generation)],
    [t("uptime"), detail.startedAt === null || detail.pid === null ? "–" : age(nowMs.value - detail.startedAt)],
    [t("restarts"), number(detail.restartsTotal, lang)],
    [t("memory"), bytes(detail.rssBytes, lang)],
    [t("cpu"), span(detail.cpuMs)],
    [t("runtime"), [clean(detail.runtime), clean(detail.version)].filter((each) => each !== "").join(" ")],
    [t("transport"), clean(detail.transport) || "–"],
    [t("frames"), `${number(detail.framesIn, lang)} / ${number(detail.framesOut, lang)}`],
    [t("dropped"), `${number(detail.dropped, lang)} / ${number(detail.badLines, lang)} / ${number(detail.logLost, lang)}`],
    [t("containment"), clean(detail.containment) || "–"],
  ];
  return (
    <section class="card pad" aria-labelledby="facts-title">
      <h2 id="facts-title">{t("facts")}</h2>
      <dl class="pairs">
        {rows.map(([name, value]) => (
          <div><dt>{name}</dt><dd>{value}</dd></div>
        ))}
      </dl>
    </section>
  );
}

function Lives({ records }: { records: JournalRow[] }) {
  const all = lives(records).slice(0, 30);
  if (all.length === 0) return null;
  return (
    <section class="card" aria-labelledby="lives-title">
      <header class="card-head"><h2 id="lives-title">{t("lives")}</h2></header>
      <div class="table-box">
        <table class="list tight">
          <thead>
            <tr>
              <th scope="col" class="num">{t("life")}</th>
              <th scope="col">{t("began")}</th>
              <th scope="col" class="num">{t("readyAfter")}</th>
              <th scope="col">{t("ended")}</th>
            </tr>
          </thead>
          <tbody>
            {all.map((life) => (
              <tr>
                <th scope="row" class="num">{life.generation}</th>
                <td><time dateTime={stamp(life.beganMs)}>{moment(life.beganMs, nowMs.peek(), language.value)}</time></td>
                <td class="num">{span(life.readyAfterMs)}</td>
                <td>{life.end === null ? <span class="good-word">{t("stillRuns")}</span> : sentence(meanings.value, life.end, language.value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
