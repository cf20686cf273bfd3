// What the pages show: filled by one stream of events and a few questions, read through signals, so that only what
// changed is drawn again.

import { batch, computed, signal } from "@preact/signals";
import { change, get, Refusal, useSession } from "./api";
import { Ring } from "./ring";
import { parse, type Route } from "./route";
import type { Meanings } from "./say";
import type { ServerEvent } from "./sse";
import { follow } from "./stream";
import type { History, JournalRow, KernelStatus, ModuleStatus, PendingRow, Session, UsageTable } from "./types";

/** 300 events stay in the feed; older ones are in the journal. */
const EVENTS_MAX = 300;

/** 60 samples, a minute, of each module for the little chart beside its name. */
export const TRAIL_SAMPLES = 60;

/** 700 ms between two readings of the list at the least, whatever happens in the kernel. */
const LIST_PAUSE_MS = 700;

/** 600 ms without a stream before the page says so: one that is opened again at once is nobody's worry. */
const GONE_AFTER_MS = 600;

/** 1 s before a stream is opened again that was refused although the session holds. */
const REFUSED_PAUSE_MS = 1000;

/** How the page hears of the kernel. */
export type Link = "connecting" | "live" | "kernel-gone" | "server-gone";

export const route = signal<Route>(parse(location.hash));
export const session = signal<Session | null>(null);
/** Whether somebody has to sign in first, and what came before that. */
export const signIn = signal<"" | "asked" | "wrong" | "ended">("");
export const link = signal<Link>("connecting");
/** When the page last heard something, for the sentence that says how old it is. */
export const heardAtMs = signal(Date.now());
export const nowMs = signal(Date.now());
export const kernel = signal<KernelStatus | null>(null);
export const modules = signal<ModuleStatus[] | null>(null);
export const usage = signal<UsageTable | null>(null);
export const pending = signal<PendingRow[]>([]);
export const events = signal<JournalRow[]>([]);
export const meanings = signal<Meanings>({});
export const toast = signal<{ kind: "good" | "bad"; text: string; code: string; help: string; key: number } | null>(null);
/** Goes up with every decision about permissions, orders or modules, for pages that have read something themselves. */
export const turn = signal(0);

/** Processor percent, bytes, frames per second: kernel and modules together. */
export const ring = new Ring(3);
/** Goes up when the ring has more. */
export const ringTurn = signal(0);
const trails = new Map<string, { cpu: number[]; rss: number; rate: number }>();

export const isStale = computed(() => link.value === "kernel-gone" || link.value === "server-gone");

let stopStream: (() => void) | null = null;

/** Begins: who are we, then all at once. */
export async function begin(): Promise<void> {
  addEventListener("hashchange", readAddress);
  setInterval(() => (nowMs.value = Date.now()), 1000);
  void get0<Meanings>("/meanings.json").then((table) => (meanings.value = table), () => undefined);
  const code = codeOf(location.hash);
  if (code !== null) {
    // The code is taken out of the address at once, so that it stays in no history.
    history.replaceState(null, "", "#/");
    if (!(await login(code))) return;
  } else {
    void lookEarly();
    if (!(await resume())) return;
  }
  open();
}

/** What the first screen shows, asked for together with who we are; who is nobody gets nothing, and is told so by that. */
async function lookEarly(): Promise<void> {
  const [present, list] = await Promise.allSettled([get<KernelStatus>("/kernel"), get<{ modules: ModuleStatus[] }>("/modules")]);
  batch(() => {
    // What the stream's opening has read meanwhile is newer.
    if (present.status === "fulfilled") kernel.value ??= present.value;
    if (list.status === "fulfilled") modules.value ??= list.value.modules;
  });
}

/** The code of a one-time link, or what was typed. */
export function codeOf(text: string): string | null {
  const found = /(?:^|#)login=([A-Za-z0-9_.~-]{4,200})/.exec(text.trim());
  return found?.[1] ?? null;
}

/** Signs in with a code. */
export async function login(code: string): Promise<boolean> {
  try {
    take(await change<Session>("POST", "/session", { code }));
    return true;
  } catch (error) {
    signIn.value = error instanceof Refusal && error.isAbsence ? "asked" : "wrong";
    return false;
  }
}

/** Goes on after signing in. */
export function open(): void {
  stopStream?.();
  stopStream = follow("/events?topics=records,usage", {
    onEvent: hear,
    onOpen: () => void opened(),
    onClosed: (status) => void closed(status),
  });
  route.value = parse(location.hash);
}

/** Ends the session. */
export async function logout(): Promise<void> {
  await change("DELETE", "/session").catch(() => undefined);
  leave("asked");
}

/** Whether the session's role is at least this one. */
export function may(role: "viewer" | "developer" | "operator" | "admin"): boolean {
  const order = ["viewer", "developer", "operator", "admin"];
  return order.indexOf(session.value?.role ?? "viewer") >= order.indexOf(role);
}

/** The last minute of one module. */
export function trail(id: string): { cpu: number[]; rss: number; rate: number } | undefined {
  return trails.get(id);
}

/** Says how something went, to eyes and screen readers. */
export function tell(text: string): void {
  toast.value = { kind: "good", text, code: "", help: "", key: Date.now() };
}

/** Says what was refused and what helps. */
export function tellRefusal(error: unknown, fallback: string): void {
  const known = error instanceof Refusal ? error : new Refusal(0, fallback, "", "");
  if (known.status === 401) leave("ended");
  toast.value = { kind: "bad", text: known.detail || fallback, code: known.code, help: known.help, key: Date.now() };
}

async function resume(): Promise<boolean> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      take(await get<Session>("/session"));
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.isAbsence) {
        link.value = "server-gone";
        await new Promise((resolve) => setTimeout(resolve, Math.min(4000, 250 * 2 ** attempt)));
        continue;
      }
      signIn.value = "asked";
      return false;
    }
  }
}

function take(present: Session): void {
  useSession(present);
  session.value = present;
  signIn.value = "";
}

function leave(why: "asked" | "ended"): void {
  stopStream?.();
  stopStream = null;
  useSession(null);
  batch(() => {
    session.value = null;
    signIn.value = why;
  });
}

let goneTimer: ReturnType<typeof setTimeout> | null = null;

async function opened(): Promise<void> {
  if (goneTimer !== null) clearTimeout(goneTimer);
  goneTimer = null;
  heardAtMs.value = Date.now();
  // Who was away may have missed the end of the session, of the kernel, or of a whole generation of modules.
  await Promise.all([readKernel(), readModules(), readPending(), readEvents(), readHistory()]);
}

async function closed(status: number): Promise<void> {
  if (status === 401) {
    // A server that was started again has another token for the same session, or does not know it any more.
    if (await resume()) setTimeout(open, REFUSED_PAUSE_MS);
    else leave("ended");
    return;
  }
  const state = status === 503 ? "kernel-gone" : "server-gone";
  if (isStale.value) link.value = state;
  else goneTimer ??= setTimeout(() => (link.value = state), GONE_AFTER_MS);
}

function hear(event: ServerEvent): void {
  const data = parsed(event.data);
  if (data === null) return;
  heardAtMs.value = Date.now();
  if (event.event === "usage") hearUsage(data as unknown as UsageTable);
  else if (event.event === "record") hearRecord(data as unknown as JournalRow);
  else if (event.event === "kernel") hearKernel(data["connected"] === true);
  else if (event.event === "reset" || event.event === "lost") void opened();
}

function hearKernel(isThere: boolean): void {
  const wasGone = link.value === "kernel-gone" || link.value === "server-gone";
  link.value = isThere ? "live" : "kernel-gone";
  if (isThere && wasGone) void opened();
}

function hearUsage(table: UsageTable): void {
  if (!Array.isArray(table.modules) || typeof table.kernel !== "object") return;
  batch(() => {
    if (link.value !== "live") link.value = "live";
    usage.value = table;
    const all = [table.kernel, ...table.modules];
    const sum = (value: (row: (typeof all)[number]) => number | null): number | null => {
      const known = all.map(value).filter((each): each is number => each !== null && each !== undefined);
      return known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
    };
    // Frames of modules all pass the kernel: its own count holds each once, as the server's ring does.
    ring.push({
      atMs: table.tsMs,
      values: [sum((row) => row.cpuPercent), sum((row) => row.rssBytes), table.kernel.framesPerS ?? null],
    });
    keepTrails(table);
    ringTurn.value += 1;
    // A module that came or went without a record that we heard.
    const listed = new Map((modules.value ?? []).map((row) => [row.id, row.status]));
    if (modules.value !== null && table.modules.some((row) => listed.get(row.id) !== row.status)) readModulesSoon();
  });
}

function keepTrails(table: UsageTable): void {
  const present = new Set(table.modules.map((row) => row.id));
  for (const id of [...trails.keys()]) if (!present.has(id)) trails.delete(id);
  for (const row of table.modules) {
    const kept = trails.get(row.id) ?? { cpu: [], rss: 0, rate: 0 };
    kept.cpu.push(row.cpuPercent ?? 0);
    if (kept.cpu.length > TRAIL_SAMPLES) kept.cpu.shift();
    kept.rss = row.rssBytes;
    kept.rate = row.framesPerS ?? 0;
    trails.set(row.id, kept);
  }
}

function hearRecord(row: JournalRow): void {
  if (typeof row.code !== "string" || typeof row.facts !== "object" || row.facts === null) return;
  // What came while the stream was away is read from the journal and sent again by the stream.
  if (events.value.some((known) => isSame(known, row))) return;
  events.value = [row, ...events.value].slice(0, EVENTS_MAX);
  turn.value += 1;
  readModulesSoon();
  if (row.code.startsWith("permission.") || row.code.startsWith("module.")) void readPending();
  if (/^(kernel|safe_mode|journal)\./.test(row.code)) void readKernel();
}

/** Whether two rows are one decision: the stream is ahead of the journal, so its rows have no number yet. */
function isSame(a: JournalRow, b: JournalRow): boolean {
  return a.tsMs === b.tsMs && a.code === b.code && a.moduleId === b.moduleId && a.generation === b.generation;
}

let listTimer: ReturnType<typeof setTimeout> | null = null;

function readModulesSoon(): void {
  if (listTimer !== null) return;
  listTimer = setTimeout(() => {
    listTimer = null;
    void readModules();
    void readKernel();
  }, LIST_PAUSE_MS);
}

export async function readModules(): Promise<void> {
  await quietly(async () => {
    const list = await get<{ modules: ModuleStatus[] }>("/modules");
    modules.value = list.modules;
    heardAtMs.value = Date.now();
  });
}

export async function readKernel(): Promise<void> {
  await quietly(async () => {
    const present = await get<KernelStatus>("/kernel");
    kernel.value = present;
    heardAtMs.value = Date.now();
    if (link.value !== "live") link.value = "live";
  });
}

export async function readPending(): Promise<void> {
  await quietly(async () => {
    pending.value = (await get<{ requests: PendingRow[] }>("/permissions/pending")).requests;
  });
}

async function readEvents(): Promise<void> {
  await quietly(async () => {
    const { records } = await get<{ records: JournalRow[] }>("/journal", { limit: 100 });
    const page = [...records].reverse();
    const newest = page[0]?.tsMs ?? 0;
    events.value = [...events.value.filter((row) => row.tsMs > newest), ...page].slice(0, EVENTS_MAX);
  });
}

async function readHistory(): Promise<void> {
  await quietly(async () => {
    const past = await get<History>("/usage/history");
    ring.refill(
      past.tsMs.map((atMs, index) => ({
        atMs,
        values: [past.cpuPercent[index] ?? null, past.rssBytes[index] ?? null, past.framesPerS[index] ?? null],
      })),
    );
    ringTurn.value += 1;
  });
}

/** What fails here is told by the state of the link, or by the next reading. */
async function quietly(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (error instanceof Refusal && error.status === 503) link.value = "kernel-gone";
    if (error instanceof Refusal && error.status === 401) leave("ended");
  }
}

async function get0<T>(path: string): Promise<T> {
  return (await (await fetch(path, { credentials: "same-origin" })).json()) as T;
}

function readAddress(): void {
  const code = codeOf(location.hash);
  if (code !== null) {
    history.replaceState(null, "", "#/");
    void login(code).then((is) => is && open());
    return;
  }
  const before = route.value;
  const next = parse(location.hash);
  route.value = next;
  const isSamePage = next.page === "module" && before.page === "module" ? next.id === before.id : next.page === before.page;
  if (!isSamePage) scrollTo(0, 0);
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
