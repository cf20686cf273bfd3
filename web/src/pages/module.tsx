// One module: how it is, why, what it says, what it is, what it may, what it uses.

import { useEffect, useMemo, useState } from "preact/hooks";
import { get, Refusal } from "../api";
import { askModule } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { StateBadge } from "../parts/state";
import { age } from "../format";
import { href, TABS, type Tab } from "../route";
import { t } from "../settings";
import { isStale, may, modules, nowMs, tellRefusal, turn } from "../store";
import { clean } from "../text";
import type { ModuleDetail } from "../types";
import { Definition, Limits, Permissions } from "./module-facts";
import { Logs } from "./logs";
import { StoryPage } from "./story";
import { askPromote } from "./zones";

export function Module({ id, tab }: { id: string; tab: Tab }) {
  const [detail, setDetail] = useState<ModuleDetail | null>(null);
  const [isMissing, setMissing] = useState(false);
  const read = () =>
    get<ModuleDetail>(`/modules/${encodeURIComponent(id)}`).then(
      (present) => {
        setDetail(present);
        setMissing(false);
      },
      (error: unknown) => {
        if (error instanceof Refusal && error.status === 404) setMissing(true);
        else if (!(error instanceof Refusal && error.isAbsence)) tellRefusal(error, t("failed"));
      },
    );
  const row = modules.value?.find((each) => each.id === id);
  useEffect(() => void read(), [id, turn.value, row?.generation]);
  // The list is newer than what was read once.
  const whole = useMemo(() => (detail === null ? null : { ...detail, ...(row ?? {}) }), [detail, row]);
  if (isMissing) return <NotThere id={id} />;
  const present = row ?? detail;
  return (
    <>
      <p class="crumbs">
        <a href={href({ page: "modules" })}><Icon name="back" /> {t("modules")}</a>
      </p>
      <header class={`module-head${isStale.value ? " stale" : ""}`}>
        <h1>{clean(id)}</h1>
        {present !== null && (
          <>
            <StateBadge status={present.status} held={present.held} />
            <Since ms={present.sinceMs} />
            <span class="tag">{clean(present.zone ?? "")}</span>
          </>
        )}
        {present !== null && may("operator") && (
          <div class="buttons end">
            {present.zone === "sandbox" && <button type="button" onClick={() => askPromote(id)}>{t("promote")}</button>}
            {present.pid === null && present.status !== "restarting" ? (
              <button type="button" class="primary" onClick={() => askModule("start", id)}>{t("start")}</button>
            ) : (
              <>
                <button type="button" onClick={() => askModule("restart", id)}>{t("restart")}</button>
                <button type="button" onClick={() => askModule("stop", id)}>{t("stop")}</button>
              </>
            )}
          </div>
        )}
      </header>
      <nav class="tabs" aria-label={t("partsOf", clean(id))}>
        {TABS.map((each) => (
          <a href={href({ page: "module", id, tab: each })} aria-current={each === tab ? "page" : undefined}>{t(each)}</a>
        ))}
      </nav>
      {whole === null ? <p class="empty">{t("loading")}</p> : <Part tab={tab} detail={whole} />}
    </>
  );
}

/** Apart from the page, so that nothing else is drawn again each second. */
function Since({ ms }: { ms: number }) {
  return <span class="dim">{t("sinceFor", age(nowMs.value - ms))}</span>;
}

function Part({ tab, detail }: { tab: Tab; detail: ModuleDetail }) {
  if (tab === "logs") return <Logs key={detail.id} id={detail.id} />;
  if (tab === "definition") return <Definition detail={detail} />;
  if (tab === "permissions") return <Permissions detail={detail} />;
  if (tab === "limits") return <Limits detail={detail} />;
  return <StoryPage detail={detail} />;
}

function NotThere({ id }: { id: string }) {
  return (
    <div class="card pad">
      <h1>{clean(id)}</h1>
      <p>{t("notFound")}</p>
      <p><a href={href({ page: "modules" })}>{t("modules")}</a></p>
    </div>
  );
}
