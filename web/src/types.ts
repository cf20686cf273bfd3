// What the API says, as far as the pages read it. Fields are those of the operator door (`schema/operator-door.json`);
// all that comes from outside may lack any of them, so what is optional there is optional here.

/** Values by kind: `net`, `read`, `write`, … */
export type Rights = Record<string, string[]>;

export interface KernelStatus {
  pid: number;
  version: string;
  home: string;
  project: string | null;
  startedAtMs: number;
  uptimeMs: number;
  states: Record<string, number>;
  journal: string;
  watchdog: string;
  bounds: string;
  rssBytes: number;
  cpuMs: number;
  frames: number;
  troubles: string[];
  safeMode?: { why: string; until: string } | null;
}

export interface ModuleStatus {
  id: string;
  status: string;
  pid: number | null;
  provides: string[];
  restartCount: number;
  startedAt: number | null;
  version: string;
  runtime: string;
  generation: number | null;
  sinceMs: number;
  restartsTotal: number;
  restartAtMs: number | null;
  note: string;
  waitingFor: string[];
  containment: string;
  transport: string;
  rssBytes: number | null;
  cpuMs: number | null;
  framesIn: number;
  framesOut: number;
  dropped: number;
  badLines: number;
  logLost: number;
  zone?: string;
  limits?: Record<string, number>;
  held?: string | null;
}

export interface ModuleDetail extends ModuleStatus {
  folder: string | null;
  command: string[];
  requires: string[];
  needs: string[];
  topics: string[];
  mayCall: string[];
  configKey: string | null;
  declared: Rights;
  effective: Rights;
  manifestHash: string | null;
  confinement: string[];
  stderrTail: string[];
}

export interface PermissionRow {
  moduleId: string;
  approved: boolean;
  base: Rights;
  dynamic: Rights;
  denied: Rights;
  pending: PendingRow[];
}

export interface PendingRow {
  requestId: string;
  moduleId: string;
  permissions: Rights;
  reason: string | null;
}

export interface LogLine {
  tsMs: number;
  moduleId: string;
  generation: number;
  level: string;
  source: string;
  msg: string;
  data?: unknown;
  topic?: string;
}

export interface JournalRow {
  seq: number;
  tsMs: number;
  code: string;
  moduleId: string | null;
  generation: number | null;
  facts: Record<string, unknown>;
}

export interface Story {
  status: ModuleStatus | null;
  records: JournalRow[];
  stderrTail: string[];
}

export interface UsageRow {
  id: string;
  status: string;
  pid: number | null;
  cpuPercent: number | null;
  cpuMs: number;
  rssBytes: number;
  frames: number;
  framesPerS: number | null;
  zone?: string;
  limits?: Record<string, number>;
  held?: string | null;
}

export interface UsageTable {
  tsMs: number;
  kernel: UsageRow;
  modules: UsageRow[];
}

export interface PlannedStep {
  moduleId: string | null;
  code: string;
  text: string;
}

export interface History {
  stepMs: number;
  tsMs: number[];
  cpuPercent: (number | null)[];
  rssBytes: (number | null)[];
  framesPerS: (number | null)[];
}

export interface GraphNode {
  id: string;
  status: string;
  zone: string;
  provides: string[];
  framesPerS: number | null;
}

export interface GraphEdge {
  from: string;
  to: string;
  kind: string;
  name: string;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface Session {
  name: string;
  role: string;
  csrf: string;
  expiresAtMs: number | null;
}

export interface Token {
  id: string;
  name: string;
  role: string;
  expiresAtMs?: number | null;
}

export interface VariableRow {
  key: string;
  scope: string;
}

export interface Firing {
  rule: string;
  subject: string;
  level: string;
  value: number;
  sinceMs: number;
  told: boolean;
  silenced: boolean;
}

export interface AlertTable {
  firing: Firing[];
  silences: { id: number; rule: string | null; module: string | null; untilMs: number; why: string }[];
  rules: unknown[];
  outputs: { name: string; kind: string; told: number; lost: number; error: string | null }[];
  trouble: string | null;
}

export interface ConfigEntry {
  key: string;
  value: unknown;
  origin: string;
}

export interface ConfigTable {
  version: string;
  entries: ConfigEntry[];
}

export interface SlotRow {
  moduleId: string;
  active: string | null;
  fallback: string | null;
  next: string | null;
  transaction: number | null;
  phase: string | null;
  sinceMs: number | null;
}

export interface SlotTable {
  modules: SlotRow[];
  pins: { name: string; release: string }[];
}

export interface EndedRow {
  transaction: number;
  outcome: string;
  atMs: number;
  evidence: string;
  versions: Record<string, string>;
}

export interface UpdateDone {
  transaction: number;
  moduleId: string;
  from: string | null;
  to: string;
  phase: string;
  waitsForApproval: boolean;
}

export interface Coded {
  code: string;
  text: string;
}

export interface UpdatePlan {
  package: { moduleId: string; version: string; maker: string; bytes: number };
  from: string | null;
  strategy: string;
  added: string[];
  changed: string[];
  removed: string[];
  same: number;
  changedBytes: number;
  asks: Rights;
  leaves: Rights;
  affected: { moduleId: string; services: string[] }[];
  pauseMs: number;
  doubts: Coded[];
  obstacles: Coded[];
}
