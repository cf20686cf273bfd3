// What waits for an answer: who wishes for what, beside what it has already.

import { useEffect, useState } from "preact/hooks";
import { change, get } from "../api";
import { question } from "../parts/dialog";
import { RightList } from "../parts/rights";
import { wish } from "../rights";
import { href } from "../route";
import { t } from "../settings";
import { may, pending, readPending, turn } from "../store";
import { clean } from "../text";
import type { PendingRow, PermissionRow } from "../types";

export function Approvals() {
  return (
    <>
      <h1>{t("approvals")}</h1>
      <div class="card">
        <PendingList />
      </div>
    </>
  );
}

/** The wishes; a compact list has no room for more than five. */
export function PendingList({ compact = false }: { compact?: boolean }) {
  const [rows, setRows] = useState<PermissionRow[]>([]);
  const waiting = pending.value;
  useEffect(() => {
    if (waiting.length === 0) return;
    get<{ modules: PermissionRow[] }>("/permissions").then(({ modules }) => setRows(modules), () => undefined);
  }, [turn.value, waiting.length]);
  if (waiting.length === 0) return <p class="empty good-word"><span aria-hidden="true">●</span> {t("approvalsNone")}</p>;
  return (
    <ul class="wishes">
      {waiting.slice(0, compact ? 5 : 200).map((row) => (
        <Wish key={`${row.requestId} ${row.moduleId}`} row={row} standing={rows.find((each) => each.moduleId === row.moduleId)} />
      ))}
    </ul>
  );
}

function Wish({ row, standing }: { row: PendingRow; standing: PermissionRow | undefined }) {
  const isFirst = row.requestId === "";
  const name = clean(row.moduleId);
  const lines = wish(row.permissions, standing);
  const list = <RightList lines={lines} empty={t("asksNothing")} />;
  const decide = (verb: "grant" | "deny") => {
    const title = isFirst ? t("approveAsk", name) : t(verb === "grant" ? "grantAsk" : "denyAsk", name);
    question.value = {
      title,
      button: isFirst ? t("approve") : t(verb),
      isDangerous: verb === "deny",
      body: list,
      act: () =>
        isFirst
          ? change("POST", `/modules/${encodeURIComponent(row.moduleId)}/approve`)
          : change("POST", `/permissions/${verb}`, { requestId: row.requestId }),
      done: t("done", `${isFirst ? t("approve") : t(verb)}, ${name}`),
      after: () => void readPending(),
    };
  };
  const isAllowed = may("admin");
  return (
    <li class="wish">
      <p>
        <a class="event-name" href={href({ page: "module", id: row.moduleId, tab: "permissions" })}>{name}</a>{" "}
        {isFirst ? t("firstApproval") : t("wishes")}
      </p>
      {row.reason !== null && row.reason !== undefined && row.reason !== "" && (
        <blockquote>
          <span class="dim">{t("itsWords")}:</span> {clean(row.reason)}
        </blockquote>
      )}
      {list}
      {isAllowed ? (
        <div class="buttons">
          <button type="button" class="primary" onClick={() => decide("grant")}>{isFirst ? t("approve") : t("grant")}</button>
          {!isFirst && <button type="button" onClick={() => decide("deny")}>{t("deny")}</button>}
        </div>
      ) : (
        <p class="dim">{t("needsRole", "admin")}</p>
      )}
    </li>
  );
}
