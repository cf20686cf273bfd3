// The way to the server: one function for a question and one for a change, both of which turn every refusal into a
// `Refusal` that can be shown as it is.

import type { Session } from "./types";

const BASE = "/api/v1";

/** 20 s: longer than any answer but that of a module that is slow to start, which has a limit of its own. */
const ANSWER_MS = 20_000;

/** 130 s for orders, which are answered when a module is ready or has failed. */
const ORDER_MS = 130_000;

/** A refusal, as RFC 9457 has it. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly code: string,
    readonly help: string,
  ) {
    super(detail);
  }

  /** Nobody answered at all, or nobody behind the server did. */
  get isAbsence(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** The present session; its token goes with every change. */
let session: Session | null = null;

export function useSession(present: Session | null): void {
  session = present;
}

/** Asks for something. */
export function get<T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return send<T>("GET", text === "" ? path : `${path}?${text}`, undefined, ANSWER_MS);
}

/** Changes something; the key makes it happen once, also when the answer is lost on its way. With a version, only that one is changed. */
export function change<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, version?: string): Promise<T> {
  return send<T>(method, path, body, ORDER_MS, version === undefined ? {} : { "If-Match": `"${version}"` });
}

/** Sends a file as it is. */
export function upload<T>(path: string, file: Blob): Promise<T> {
  return send<T>("PUT", path, file, ORDER_MS, { "Content-Type": "application/octet-stream" });
}

/** A name as a part of a path. */
export function part(name: string): string {
  return encodeURIComponent(name);
}

/** The headers of a request. */
export function headers(isChange: boolean, hasBody: boolean): Record<string, string> {
  const all: Record<string, string> = { Accept: "application/json" };
  if (hasBody) all["Content-Type"] = "application/json";
  if (isChange) {
    all["Idempotency-Key"] = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    if (session !== null) all["X-Csrf-Token"] = session.csrf;
  }
  return all;
}

async function send<T>(method: string, path: string, body: unknown, timeoutMs: number, more: Record<string, string> = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers: { ...headers(method !== "GET", body !== undefined), ...more },
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
    });
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    throw new Refusal(isLate ? 504 : 0, "", "", "");
  }
  if (!response.ok) throw await refusal(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Reads a refusal; a body that is no problem document leaves its status to speak. */
export async function refusal(response: Response): Promise<Refusal> {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  try {
    const problem = (await response.json()) as Record<string, unknown>;
    const detail = text(problem["detail"]) || text(problem["title"]) || `HTTP ${response.status}`;
    return new Refusal(response.status, detail, text(problem["code"]), text(problem["help"]));
  } catch {
    return new Refusal(response.status, `HTTP ${response.status}`, "", "");
  }
}
