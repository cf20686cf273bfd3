// Questions before something is done: the browser's own modal dialog, so that focus, Escape and what lies behind it
// are held by the browser. What a change would do is asked of the kernel and shown before the answer.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { change, Refusal } from "../api";
import { t } from "../settings";
import { tell, tellRefusal } from "../store";
import { clean } from "../text";
import type { PlannedStep } from "../types";
import { Icon } from "./icon";

/** Something to be confirmed. */
export interface Question {
  title: string;
  button: string;
  isDangerous: boolean;
  body?: ComponentChildren;
  /** Where the plan is asked for, if there is one. */
  plan?: () => Promise<{ steps?: PlannedStep[] }>;
  act: () => Promise<unknown>;
  /** What is said when it is done. */
  done: string;
  after?: () => void;
}

export const question = signal<Question | null>(null);

/** A modal dialog with a title and a way out. */
export function Modal({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={box}
      class="modal"
      aria-labelledby="modal-title"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === box.current && onClose()}
    >
      <div class="modal-box">
        <header>
          <h2 id="modal-title">{title}</h2>
          <button type="button" class="quiet" aria-label={t("close")} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** The open question, if there is one. */
export function Asked() {
  const open = question.value;
  return open === null ? null : <Ask key={open.title} open={open} />;
}

function Ask({ open }: { open: Question }) {
  const [steps, setSteps] = useState<PlannedStep[] | null>(null);
  const [refused, setRefused] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    open.plan?.().then(
      (plan) => setSteps(plan.steps ?? []),
      (error: unknown) => error instanceof Refusal && setRefused(error),
    );
  }, [open]);
  const close = () => (question.value = null);
  const act = async () => {
    setBusy(true);
    try {
      await open.act();
      tell(open.done);
      close();
      open.after?.();
    } catch (error) {
      tellRefusal(error, t("failed"));
      close();
    }
  };
  return (
    <Modal title={open.title} onClose={close}>
      {open.body}
      {open.plan !== undefined && (
        <section class="plan" aria-busy={steps === null && refused === null}>
          <h3>{t("planTitle")}</h3>
          {refused !== null && <p class="refusal">{clean(refused.detail)}</p>}
          {steps === null && refused === null && <p class="dim">{t("loading")}</p>}
          {steps !== null && steps.length === 0 && <p class="dim">{t("planNothing")}</p>}
          {steps !== null && steps.length > 0 && (
            <ol>
              {steps.slice(0, 50).map((step) => (
                <li>
                  {step.moduleId !== null && <strong>{clean(step.moduleId)}</strong>} {clean(step.text)}
                </li>
              ))}
            </ol>
          )}
        </section>
      )}
      <footer>
        <button type="button" onClick={close}>{t("cancel")}</button>
        <button type="button" class={open.isDangerous ? "primary danger" : "primary"} disabled={isBusy} onClick={() => void act()}>
          {open.button}
        </button>
      </footer>
    </Modal>
  );
}

/** The questions about one module. */
export function askModule(verb: "start" | "stop" | "restart", id: string, after?: () => void): void {
  const path = `/modules/${encodeURIComponent(id)}/${verb}`;
  const titles = { start: "startAsk", stop: "stopAsk", restart: "restartAsk" } as const;
  question.value = {
    title: t(titles[verb], clean(id)),
    button: t(verb),
    isDangerous: verb === "stop",
    plan: () => change("POST", `${path}?dryRun=true`),
    act: () => change("POST", path),
    done: t("done", `${t(verb)}, ${clean(id)}`),
    ...(after === undefined ? {} : { after }),
  };
}
