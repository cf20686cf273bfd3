// The versions of modules: which runs, which one comes back, what is on its way; a package planned, applied and undone.

import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { change, get, part, Refusal, upload } from "../api";
import { question } from "../parts/dialog";
import { RightList } from "../parts/rights";
import { bytes, moment } from "../format";
import { difference } from "../rights";
import { href } from "../route";
import { language, t } from "../settings";
import { isStale, may, nowMs, tell, tellRefusal, turn } from "../store";
import { clean } from "../text";
import type { EndedRow, SlotRow, SlotTable, UpdateDone, UpdatePlan } from "../types";

/** 12 names of files are shown of each kind; the command line has all. */
const NAMES_MAX = 12;

/** 64 rows: as many as the kernel keeps of what ended. */
const ENDED_MAX = 64;

const WAYS = ["", "hot", "staged", "restart"] as const;

const WAY_WORDS = { "": "wayOwn", hot: "wayHot", staged: "wayStaged", restart: "wayRestart" } as const;

const PHASE_WORDS: Record<string, "phaseStaged" | "phaseVerified" | "phaseTried" | "phaseCommitted" | "phaseRolledBack"> = {
  staged: "phaseStaged", verified: "phaseVerified", tried: "phaseTried", committed: "phaseCommitted", "rolled-back": "phaseRolledBack",
};

export function Updates() {
  const [table, setTable] = useState<SlotTable | null>(null);
  const [ended, setEnded] = useState<EndedRow[]>([]);
  const read = () => {
    get<SlotTable>("/updates").then(setTable, (error: unknown) => {
      if (!(error instanceof Refusal && error.isAbsence)) tellRefusal(error, t("failed"));
    });
    get<{ ended: EndedRow[] }>("/updates/history").then((history) => setEnded([...history.ended].reverse()), () => undefined);
  };
  useEffect(read, [turn.value]);
  return (
    <>
      <h1>{t("updates")}</h1>
      {may("admin") && <Bring after={read} />}
      {table === null ? (
        <p class="empty">{t("loading")}</p>
      ) : (
        <div class={`stack${isStale.value ? " stale" : ""}`}>
          <Versions rows={table.modules} after={read} />
          {table.pins.length > 0 && <Pins pins={table.pins} after={read} />}
          <Ended rows={ended} />
        </div>
      )}
    </>
  );
}

/** 256 MiB: what the server takes; more is told before it is sent. */
const PACKAGE_BYTES_MAX = 256 * 1024 * 1024;

/** A name that the server takes, made of what the file is called here. */
function packageName(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[.-]+/, "").slice(-120);
  return plain.endsWith(".okm") && plain.length > 4 ? plain : `package-${plain.replace(/\.+$/, "")}.okm`;
}

/** A package by its path or from this computer, looked at before anything is done. */
function Bring({ after }: { after: () => void }) {
  const [file, setFile] = useState("");
  const [way, setWay] = useState("");
  const [plan, setPlan] = useState<UpdatePlan | null>(null);
  const [refused, setRefused] = useState<Refusal | null>(null);
  const asked = () => ({ file: file.trim(), ...(way === "" ? {} : { way }) });
  const [isSending, setIsSending] = useState(false);
  const attempt = async (act: () => Promise<void>) => {
    setPlan(null);
    setRefused(null);
    try {
      await act();
    } catch (error) {
      if (error instanceof Refusal && !error.isAbsence && error.status !== 401) setRefused(error);
      else tellRefusal(error, t("failed"));
    }
  };
  const plans = async (wanted: { file: string }) => setPlan(await change<UpdatePlan>("POST", "/updates/plan", wanted));
  const look = (event: Event) => {
    event.preventDefault();
    void attempt(() => plans(asked()));
  };
  const send = async (chosen: File | undefined) => {
    if (chosen === undefined) return;
    setIsSending(true);
    await attempt(async () => {
      if (chosen.size > PACKAGE_BYTES_MAX) throw new Refusal(413, t("updateTooBig", bytes(PACKAGE_BYTES_MAX, language.value)), "", "");
      const taken = await upload<{ file: string }>(`/packages/${part(packageName(chosen.name))}`, chosen);
      setFile(taken.file);
      await plans({ ...asked(), file: taken.file });
    });
    setIsSending(false);
  };
  const done = () => {
    setPlan(null);
    after();
  };
  return (
    <section class="card pad" aria-labelledby="bring-title">
      <h2 id="bring-title">{t("updateBring")}</h2>
      <form class="toolbar" onSubmit={look}>
        <label class="field grow">
          <span>{t("updateFile")}</span>
          <input type="text" required maxLength={1000} spellcheck={false} autocomplete="off" value={file} onInput={(event) => setFile(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t("updateWay")}</span>
          <select value={way} onChange={(event) => setWay(event.currentTarget.value)}>
            {WAYS.map((each) => <option value={each}>{t(WAY_WORDS[each])}</option>)}
          </select>
        </label>
        <button type="submit">{t("updateLook")}</button>
      </form>
      <label class="field chosen">
        <span>{t("updateUpload")}</span>
        <input
          type="file" accept=".okm" disabled={isSending}
          onChange={(event) => {
            const input = event.currentTarget;
            // The same file again is another choice.
            void send(input.files?.[0]).then(() => (input.value = ""));
          }}
        />
      </label>
      <p class="dim" role="status">{isSending ? t("updateSending") : ""}</p>
      {refused !== null && (
        <div class="refusal" role="alert">
          <p>{clean(refused.detail)}</p>
          {refused.help !== "" && <p><code>{clean(refused.help)}</code></p>}
        </div>
      )}
      {plan !== null && <Foreseen plan={plan} apply={() => askApply(plan, asked(), done)} />}
    </section>
  );
}

function Foreseen({ plan, apply }: { plan: UpdatePlan; apply: () => void }) {
  return (
    <section class="plan foreseen" aria-live="polite" aria-labelledby="plan-title">
      <h3 id="plan-title">{t("planTitle")}</h3>
      <Told plan={plan} />
      {plan.obstacles.length === 0 && (
        <div class="buttons">
          <button type="button" class="primary" onClick={apply}>{t("updateApply")}</button>
        </div>
      )}
    </section>
  );
}

/** What a package is and would change. */
function Told({ plan }: { plan: UpdatePlan }) {
  const { package: found } = plan;
  const lang = language.value;
  const rights = difference(plan.leaves, plan.asks);
  return (
    <>
      <p>
        <b>{clean(found.moduleId)}</b> {clean(plan.from ?? t("updateNew"))} → <b>{clean(found.version)}</b>{" "}
        <span class="dim">({t("updateMaker", clean(found.maker))}, {bytes(found.bytes, lang)})</span>
      </p>
      {plan.obstacles.map((one) => (
        <p class="refusal"><span aria-hidden="true">✕</span> {clean(one.text)} <code>{clean(one.code)}</code></p>
      ))}
      {plan.doubts.map((one) => <p class="soon-word"><span aria-hidden="true">▲</span> {clean(one.text)}</p>)}
      {rights.length > 0 && <RightList lines={rights} empty="" />}
      {plan.affected.map((one) => (
        <p>{t("updateAffects", clean(one.moduleId), one.services.map(clean).join(", "), Math.ceil(plan.pauseMs / 1000))}</p>
      ))}
      <Names sign="+" word={t("newRight")} names={plan.added} />
      <Names sign="~" word={t("updateChanged")} names={plan.changed} />
      <Names sign="−" word={t("goneRight")} names={plan.removed} />
      <p class="dim">{t("updateSame", plan.same, bytes(plan.changedBytes, lang))}</p>
    </>
  );
}

function Names({ sign, word, names }: { sign: string; word: string; names: string[] }) {
  if (names.length === 0) return null;
  return (
    <p>
      <span aria-hidden="true">{sign}</span> {word}: <code>{names.slice(0, NAMES_MAX).map(clean).join(", ")}</code>
      {names.length > NAMES_MAX && <span class="dim"> +{names.length - NAMES_MAX}</span>}
    </p>
  );
}

function askApply(plan: UpdatePlan, asked: { file: string; way?: string }, after: () => void): void {
  const name = clean(plan.package.moduleId);
  const wishes = Object.values(plan.asks).some((values) => values.length > 0);
  askFor(
    t("updateApplyAsk", name, clean(plan.package.version)),
    t("updateApply"),
    <>
      <Told plan={plan} />
      {wishes && <p class="soon-word">{t("updateApproves")}</p>}
    </>,
    () => change<UpdateDone>("POST", "/updates", { ...asked, approve: wishes }),
    after,
  );
}

/** A question whose answer is a transaction; what became of it is told. */
function askFor(title: string, button: string, body: ComponentChildren, act: () => Promise<UpdateDone>, after: () => void): void {
  let said = "";
  question.value = {
    title,
    button,
    isDangerous: false,
    body,
    act: async () => {
      said = outcome(await act());
    },
    done: t("done", button),
    after: () => {
      tell(said);
      after();
    },
  };
}

function outcome(done: UpdateDone): string {
  const name = clean(done.moduleId);
  if (done.waitsForApproval) return t("updateWaits", name, clean(done.to));
  return `${name} ${clean(done.from ?? "")} → ${clean(done.to)}: ${phase(done.phase)}`;
}

function phase(name: string): string {
  const word = PHASE_WORDS[name];
  return word === undefined ? clean(name) : t(word);
}

function Versions({ rows, after }: { rows: SlotRow[]; after: () => void }) {
  return (
    <section class="card table-box" aria-labelledby="versions-title">
      <header class="card-head"><h2 id="versions-title">{t("versions")}</h2></header>
      {rows.length === 0 ? (
        <p class="empty">{t("versionsNone")}</p>
      ) : (
        <table class="list">
          <thead>
            <tr>
              <th scope="col">{t("name")}</th>
              <th scope="col">{t("versionActive")}</th>
              <th scope="col">{t("versionBefore")}</th>
              <th scope="col">{t("versionNext")}</th>
              <th scope="col">{t("actions")}</th>
            </tr>
          </thead>
          <tbody>{rows.slice(0, 500).map((row) => <Version key={row.moduleId} row={row} after={after} />)}</tbody>
        </table>
      )}
    </section>
  );
}

function Version({ row, after }: { row: SlotRow; after: () => void }) {
  const name = clean(row.moduleId);
  const { fallback, transaction } = row;
  const isWaiting = row.phase === "staged" || row.phase === "verified";
  const rollBack = () =>
    askFor(t("rollbackAsk", name, clean(row.active ?? "–"), clean(fallback ?? "")), t("rollback"), null,
      () => change<UpdateDone>("POST", `/modules/${part(row.moduleId)}/rollback`), after);
  const goOn = () =>
    askFor(t("updateGoAsk", name, clean(row.next ?? "")), t("updateGo"), <p class="soon-word">{t("updateApproves")}</p>,
      () => change<UpdateDone>("POST", `/updates/${transaction}/go`, { approve: true }), after);
  return (
    <tr>
      <th scope="row"><a href={href({ page: "module", id: row.moduleId, tab: "story" })}>{name}</a></th>
      <td>{clean(row.active ?? "–")}</td>
      <td>{clean(fallback ?? "–")}</td>
      <td>
        {row.next !== null && <b>{clean(row.next)} </b>}
        {row.phase !== null && <span class="tag">{phase(row.phase)}</span>}
        {row.next === null && row.phase === null && "–"}
      </td>
      <td>
        <div class="buttons">
          {fallback !== null && may("operator") && <button type="button" class="small" onClick={rollBack}>{t("rollback")}</button>}
          {transaction !== null && isWaiting && may("admin") && <button type="button" class="small" onClick={goOn}>{t("updateGo")}</button>}
        </div>
      </td>
    </tr>
  );
}

function Pins({ pins, after }: { pins: SlotTable["pins"]; after: () => void }) {
  const unpin = (name: string) => {
    question.value = {
      title: t("unpinAsk", clean(name)),
      button: t("unpin"),
      isDangerous: true,
      act: () => change("DELETE", `/pins/${part(name)}`),
      done: t("done", t("unpin")),
      after,
    };
  };
  return (
    <section class="card pad" aria-labelledby="pins-title">
      <h2 id="pins-title">{t("pins")}</h2>
      <ul class="token-list">
        {pins.slice(0, 200).map((pin) => (
          <li>
            <b>{clean(pin.name)}</b> <code class="hash">{clean(pin.release)}</code>
            {may("admin") && <button type="button" class="small" onClick={() => unpin(pin.name)}>{t("unpin")}</button>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Ended({ rows }: { rows: EndedRow[] }) {
  return (
    <section class="card" aria-labelledby="ended-title">
      <header class="card-head"><h2 id="ended-title">{t("updateHistory")}</h2></header>
      {rows.length === 0 && <p class="empty">{t("updateHistoryNone")}</p>}
      <ul class="journal">
        {rows.slice(0, ENDED_MAX).map((row) => {
          const isKept = row.outcome === "committed";
          const versions = Object.entries(row.versions).map(([id, version]) => `${clean(id)} ${clean(version)}`).join(", ");
          return (
            <li key={row.transaction} class={`event w-${isKept ? "good" : "bad"}`}>
              <time>{moment(row.atMs, nowMs.peek(), language.value)}</time>
              <span class="symbol" aria-hidden="true">{isKept ? "●" : "✕"}</span>
              <span class="event-text">
                <b>{versions}</b> {phase(row.outcome)} <span class="dim">{clean(row.evidence)}</span>
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
