//! The operator door: what a terminal, a dashboard or an agent asks the kernel, and what it is told.
//!
//! NDJSON over a Unix socket: one [`Request`] a line, one [`Response`] a line. A request that follows something
//! (`follow: true`, `subscribe`) is answered by one response and then by [`Event`] lines until the asker hangs up or
//! an `end` event. Fields are in camelCase and times are integer milliseconds since the epoch, as in the commands
//! that older tools already send (`module.list`, `module.status`, `module.restart`, `module.install`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod config;
mod context;
mod events;
mod inside;
mod journal;
mod profile;
mod renewal;
mod roles;
mod safe;
mod schema;
mod secrets;
mod snapshots;
mod updates;
mod usage;
mod zones;

pub use config::{ConfigEntry, ConfigTable, ConfigVerb};
pub use context::{ContextChange, ContextKey, VariableList, VariableRow};
pub use events::{
    EventId, EventLine, EventTopic, EventsBegun, EventsGone, EventsRequest, GoneReason, NoEventId,
};
pub use inside::{ActorCore, ActorRow, ActorSystem, ActorTable, FunctionRow, FunctionStats, Swapped};
pub use journal::{JournalPage, JournalRequest, JournalRow};
pub use profile::{Held, Profiled};
pub use renewal::{SelfBinary, SelfLast, SelfUpdatePlan, SelfVersions};
pub use roles::{OnBehalf, Role, Weight};
pub use safe::{Safe, SafeMode};
pub use schema::operator_door;
pub use secrets::{SecretsChange, VaultKey};
pub use snapshots::{SnapshotBack, SnapshotMade, SnapshotModule, SnapshotRestored, SnapshotVerb};
pub use updates::{
    AffectedRow, CodedSentence, Collected, EndedRow, PackageVerified, PinRow, SlotRow, SlotTable,
    TransactionPlan, TransactionRow, TransactionTable, UpdateDone, UpdateHistory, UpdatePart, UpdatePhase,
    UpdatePlan, UpdateVerb, UpdateWay,
};
pub use usage::{PoolRow, UsageRow, UsageTable};
pub use zones::{ProbationStatus, ZoneName};

/// Longest request or response line, in bytes: 4 MiB, four times a module's line, since an answer may list everything.
pub const OPERATOR_LINE_BYTES_MAX: usize = 4 << 20;

/// Something an operator wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "cmd", rename_all_fields = "camelCase")]
pub enum Request {
    /// Is the kernel there, and how is it?
    #[serde(rename = "kernel.status")]
    KernelStatus {},
    /// Stop everything in order and leave; a second one does not wait.
    #[serde(rename = "kernel.stop")]
    KernelStop {
        /// Only tell what would happen.
        #[serde(default)]
        dry_run: bool,
    },
    /// Answer when nothing is on its way to being ready any more.
    #[serde(rename = "kernel.settle")]
    KernelSettle {
        /// Give up after this many milliseconds.
        timeout_ms: Option<u64>,
    },
    /// End every module but the system's own, and start none until `kernel.resume`.
    #[serde(rename = "kernel.safe-mode")]
    KernelSafeMode {
        /// What those are told who ask why nothing runs.
        why: String,
    },
    /// Leave safe mode: read all files again and start what starts at boot.
    #[serde(rename = "kernel.resume")]
    KernelResume {},
    /// Move a module to the stable zone, and out of quarantine.
    #[serde(rename = "zone.promote")]
    ZonePromote {
        /// Which.
        module_id: String,
    },
    /// Give every module of a zone that runs a new life.
    #[serde(rename = "zone.restart")]
    ZoneRestart {
        /// Which.
        zone: ZoneName,
    },
    /// Begin a zone anew: counts are forgotten, what runs gets a new life, what was given up another try.
    #[serde(rename = "zone.reset")]
    ZoneReset {
        /// Which.
        zone: ZoneName,
    },
    /// Read files again and act on the difference.
    #[serde(rename = "kernel.reload")]
    KernelReload {
        /// Which files; all when left out.
        what: Option<ReloadWhat>,
        /// Only tell what would happen.
        #[serde(default)]
        dry_run: bool,
    },
    /// All modules, one row each.
    #[serde(rename = "module.list")]
    ModuleList {},
    /// One module.
    #[serde(rename = "module.status")]
    ModuleStatus {
        /// Which.
        module_id: String,
    },
    /// Everything there is to know about one module.
    #[serde(rename = "module.show")]
    ModuleShow {
        /// Which.
        module_id: String,
    },
    /// Start one; answered when it is ready or has failed.
    #[serde(rename = "module.start")]
    ModuleStart {
        /// Which.
        module_id: String,
        /// Only tell what would happen.
        #[serde(default)]
        dry_run: bool,
    },
    /// Stop one; answered when it is gone.
    #[serde(rename = "module.stop")]
    ModuleStop {
        /// Which.
        module_id: String,
        /// Only tell what would happen.
        #[serde(default)]
        dry_run: bool,
    },
    /// Stop and start one; answered when it is ready or has failed.
    #[serde(rename = "module.restart")]
    ModuleRestart {
        /// Which.
        module_id: String,
        /// Only tell what would happen.
        #[serde(default)]
        dry_run: bool,
    },
    /// Copy or link a folder into the home; it still has to be approved.
    #[serde(rename = "module.install")]
    ModuleInstall {
        /// The folder.
        module_dir: String,
        /// Link instead of copying.
        #[serde(default)]
        symlink: bool,
        /// Only tell what would happen.
        #[serde(default)]
        dry_run: bool,
    },
    /// Approve what a module's manifest asks for, bound to its present content, and start it.
    #[serde(rename = "module.approve")]
    ModuleApprove {
        /// Which.
        module_id: String,
        /// Only tell what would be approved.
        #[serde(default)]
        dry_run: bool,
    },
    /// Stop a module, forget its approval and remove its folder (a linked one loses only the link).
    #[serde(rename = "module.uninstall")]
    ModuleUninstall {
        /// Which.
        module_id: String,
        /// Only tell what would happen.
        #[serde(default)]
        dry_run: bool,
    },
    /// Replace a module's folder by another one; what it asks beyond its approval has to be approved.
    #[serde(rename = "module.update")]
    ModuleUpdate {
        /// Which.
        module_id: String,
        /// The new folder.
        module_dir: String,
        /// Only tell what would change.
        #[serde(default)]
        dry_run: bool,
    },
    /// Do something with the versions of modules.
    #[serde(rename = "update")]
    Update(UpdateVerb),
    /// Make a snapshot, or put one back.
    #[serde(rename = "snapshot")]
    Snapshot(SnapshotVerb),
    /// Do something with the configuration.
    #[serde(rename = "config")]
    Config(ConfigVerb),
    /// Run one more command under the kernel until it is removed.
    #[serde(rename = "module.run")]
    ModuleRun {
        /// Its name; made from the command when left out.
        module_id: Option<String>,
        /// One module as in `ostoja.yaml`.
        module: Value,
        /// The folder that relative paths start from.
        cwd: String,
    },
    /// Stop and forget a command that was added by `module.run`.
    #[serde(rename = "module.remove")]
    ModuleRemove {
        /// Which.
        module_id: String,
    },
    /// Everything approved, wished for and refused, of all modules or one.
    #[serde(rename = "permissions.list")]
    PermissionsList {
        /// Which; all when left out.
        module_id: Option<String>,
    },
    /// The wishes that wait for an answer.
    #[serde(rename = "permissions.pending")]
    PermissionsPending {},
    /// Approve a wish by its number, or these permissions for a module.
    #[serde(rename = "permissions.grant")]
    PermissionsGrant(PermissionChange),
    /// Refuse a wish by its number, or these permissions for a module.
    #[serde(rename = "permissions.deny")]
    PermissionsDeny(PermissionChange),
    /// Take back what was approved beyond the manifest.
    #[serde(rename = "permissions.revoke")]
    PermissionsRevoke(PermissionChange),
    /// The context variables, of all scopes or one, without their values.
    #[serde(rename = "context.list")]
    ContextList {
        /// `module:NAME` or `session:NAME`; all when left out.
        scope: Option<String>,
    },
    /// One context variable with its value.
    #[serde(rename = "context.get")]
    ContextGet(ContextKey),
    /// Keep a context variable.
    #[serde(rename = "context.set")]
    ContextSet(ContextChange),
    /// Remove a context variable.
    #[serde(rename = "context.delete")]
    ContextDelete(ContextKey),
    /// Hand the kernel the key of a vault that is locked by a passphrase, until it ends.
    #[serde(rename = "secrets.unlock")]
    SecretsUnlock {
        /// The key that the passphrase came to.
        key: VaultKey,
    },
    /// Journal a change of the vault; its names, never its values.
    #[serde(rename = "secrets.changed")]
    SecretsChanged(SecretsChange),
    /// Read logs; with `follow`, go on with `log` events.
    #[serde(rename = "logs")]
    Logs(LogsRequest),
    /// Call a service.
    #[serde(rename = "call")]
    Call {
        /// Which service.
        service: String,
        /// What of it.
        method: String,
        /// With what.
        params: Option<Value>,
        /// Give up after this many milliseconds; the house's `rpcTimeoutMs` when left out.
        timeout_ms: Option<u64>,
    },
    /// Send a message on a topic.
    #[serde(rename = "publish")]
    Publish {
        /// Where.
        topic: String,
        /// What.
        payload: Value,
    },
    /// Hear topics as `message` events; a `*` at the end of one stands for the rest.
    #[serde(rename = "subscribe")]
    Subscribe {
        /// Which.
        topics: Vec<String>,
    },
    /// Hear what happens, numbered: decisions, log lines, use, messages; from now on, or from where it broke off.
    #[serde(rename = "events")]
    Events(EventsRequest),
    /// What every module uses, now; with `intervalMs`, again and again as `usage` events.
    #[serde(rename = "usage")]
    Usage {
        /// Milliseconds between two events, 100 or more; once when left out.
        interval_ms: Option<u64>,
    },
    /// Put what is on the disk now in the place of what runs, with its state; answered when that is done or undone.
    #[serde(rename = "module.swap")]
    ModuleSwap {
        /// Which.
        module_id: String,
        /// The new one begins without state; not for WebAssembly.
        #[serde(default)]
        without_state: bool,
    },
    /// Start a module anew and tell what it uses and wants for a while; it is started anew afterwards too.
    #[serde(rename = "module.profile")]
    ModuleProfile {
        /// Which.
        module_id: String,
        /// For how many milliseconds, 100 to 600,000; 10,000 when left out. It ends early with a module whose work is done.
        for_ms: Option<u64>,
        /// Refuse it no file, program or place meanwhile.
        #[serde(default)]
        open: bool,
    },
    /// The actors that live in the kernel's process.
    #[serde(rename = "actors")]
    Actors {
        /// Watch for this many milliseconds, 1 to 60,000, and tell rates as well; without it only how things are.
        interval_ms: Option<u64>,
    },
    /// Check, compile and keep a function under a name; one that has the name is replaced.
    #[serde(rename = "fn.put")]
    FunctionPut {
        /// Its name: a slug.
        name: String,
        /// The file with WebAssembly as text, a core module or a component; absolute. The kernel reads it.
        file: Option<String>,
        /// Or WebAssembly as text.
        source: Option<String>,
        /// The most that it may ever do, by kind.
        #[serde(default)]
        permissions: BTreeMap<String, Vec<String>>,
    },
    /// Run a function.
    #[serde(rename = "fn.run")]
    FunctionRun {
        /// Which.
        name: String,
        /// What it is given; `null` when left out.
        input: Option<Value>,
        /// End it after this many milliseconds; one second when left out, one minute at the most.
        timeout_ms: Option<u64>,
    },
    /// All functions.
    #[serde(rename = "fn.list")]
    FunctionList {},
    /// Forget a function.
    #[serde(rename = "fn.rm")]
    FunctionRemove {
        /// Which.
        name: String,
    },
    /// What the function cache has done and holds.
    #[serde(rename = "fn.stats")]
    FunctionStats {},
    /// What was decided, from the journal.
    #[serde(rename = "journal")]
    Journal(JournalRequest),
    /// The story of one module, from the journal.
    #[serde(rename = "why")]
    Why {
        /// Which.
        module_id: String,
        /// How many records at the most; 50 when left out.
        limit: Option<u32>,
    },
}

/// Which files to read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReloadWhat {
    /// `config.yaml` and `config.d/`: as SIGUSR1.
    Config,
    /// `permissions.yaml`: as SIGUSR2.
    Permissions,
    /// The modules' folders and the project file: as SIGHUP.
    Modules,
}

/// A change of what is approved: either `requestId`, or `moduleId` and `permissions`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PermissionChange {
    /// The wish.
    pub request_id: Option<String>,
    /// The module.
    pub module_id: Option<String>,
    /// By kind: `net`, `read`, `write`, `env`, `run`, `sys`.
    #[serde(default)]
    pub permissions: BTreeMap<String, Vec<String>>,
    /// Only tell what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which log lines are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogsRequest {
    /// Of these modules; of all when empty.
    #[serde(default)]
    pub modules: Vec<String>,
    /// The last this many; 200 when left out.
    pub lines: Option<u32>,
    /// Not older than this.
    pub since_ms: Option<u64>,
    /// Only lines that hold this text.
    pub grep: Option<String>,
    /// Of this life only.
    pub generation: Option<u64>,
    /// Go on with `log` events.
    #[serde(default)]
    pub follow: bool,
}

/// The one answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Response {
    /// Whether it worked.
    pub ok: bool,
    /// What came of it; its shape follows from the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// What went wrong, as one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The stable code of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What to type or do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Response {
    /// It worked.
    pub fn done(data: Option<Value>) -> Self {
        Self { ok: true, data, error: None, code: None, help: None }
    }

    /// It did not.
    pub fn failed(code: &str, error: String, help: Option<String>) -> Self {
        Self { ok: false, data: None, error: Some(error), code: Some(code.to_owned()), help }
    }
}

/// What follows a response when something is followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// A log line.
    Log(LogLine),
    /// A decision.
    Record(JournalRow),
    /// A message on a topic.
    Message(TopicMessage),
    /// What every module uses.
    Usage(UsageTable),
    /// This many events were dropped, because the asker reads too slowly.
    Lost(u64),
    /// Something before what follows is not kept any more; comes first, and only to whoever resumes.
    Gone(EventsGone),
    /// Nothing more will come.
    End(String),
}

/// `kernel.status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KernelStatus {
    /// The kernel's process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Its home.
    pub home: String,
    /// The project file it was started with, if any.
    pub project: Option<String>,
    /// When it started.
    pub started_at_ms: u64,
    /// For how long it has run.
    pub uptime_ms: u64,
    /// How many modules are in each state.
    pub states: BTreeMap<String, u32>,
    /// Whether the journal can be written; if not, why.
    pub journal: String,
    /// How much the kernel repairs: `passive`, `active` or `strict`.
    pub watchdog: String,
    /// How bounds are enforced: `cgroup v2 (cpu, memory, pids)`, `cgroup v1 (…)` or `rlimits and sampling`.
    #[serde(default)]
    pub bounds: String,
    /// Resident memory of the kernel's process in bytes.
    pub rss_bytes: u64,
    /// Processor time of the kernel's process since its start, in milliseconds.
    pub cpu_ms: u64,
    /// Frames moved since the start.
    pub frames: u64,
    /// Things that are not as they should be, a sentence each.
    pub troubles: Vec<String>,
    /// Why no module runs, in safe mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_mode: Option<SafeMode>,
}

/// The word of a module that rests because its work is done; to modules it is `stopped`.
pub const COMPLETED: &str = "completed";

/// One row of `module.list`, and the answer of `module.status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleStatus {
    /// Its name.
    pub id: String,
    /// `starting`, `waiting`, `ready`, `restarting`, `stopped`, `completed`, `crashed` or `killed`.
    pub status: String,
    /// Its process, when one runs.
    pub pid: Option<u32>,
    /// Services it offers.
    pub provides: Vec<String>,
    /// Restarts since it was last well.
    pub restart_count: u32,
    /// When its process was started.
    pub started_at: Option<u64>,
    /// Its version.
    pub version: String,
    /// What runs it: `deno`, `node`, `python`, …, `command`.
    pub runtime: String,
    /// Which life this is.
    pub generation: Option<u64>,
    /// Since when it is in this state.
    pub since_ms: u64,
    /// All restarts since the kernel knows it.
    pub restarts_total: u64,
    /// When it is started again, if that is planned.
    pub restart_at_ms: Option<u64>,
    /// Why it is not ready, as a sentence; empty when it is.
    pub note: String,
    /// What it waits for.
    pub waiting_for: Vec<String>,
    /// The containment reached, as `full`, `partial (missing: …)` or `none`; empty before the first start.
    pub containment: String,
    /// How its frames go: `pipes` or `shm`; empty for a plain command, and when nothing runs.
    pub transport: String,
    /// Resident memory of its process in bytes.
    pub rss_bytes: Option<u64>,
    /// Processor time of its process in milliseconds.
    pub cpu_ms: Option<u64>,
    /// Frames it sent.
    pub frames_in: u64,
    /// Frames it was sent.
    pub frames_out: u64,
    /// Deliveries dropped because its queue was full.
    pub dropped: u64,
    /// Lines from it that were no frames, or were refused.
    pub bad_lines: u64,
    /// Log lines lost because they came too fast.
    pub log_lost: u64,
    /// Where it lives: `sandbox`, `stable` or `system`.
    #[serde(default)]
    pub zone: String,
    /// What it may use, by resource: `cpu` in thousandths of a processor, `memory` and `queue_bytes` in bytes, the others as
    /// numbers; what is not there is not bounded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// How tight the governor holds it: `slowed`, `shedding`, `throttled` or `frozen`; nothing when it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// How far its probation in the sandbox zone is; nothing where none is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probation: Option<ProbationStatus>,
}

/// `module.show`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleDetail {
    /// As in the list.
    #[serde(flatten)]
    pub status: ModuleStatus,
    /// Its folder, when it has one.
    pub folder: Option<String>,
    /// The command that starts it; values from the environment are not in it.
    pub command: Vec<String>,
    /// Services it requires.
    pub requires: Vec<String>,
    /// Modules it needs.
    pub needs: Vec<String>,
    /// Topics it hears.
    pub topics: Vec<String>,
    /// Services it may call.
    pub may_call: Vec<String>,
    /// Its own section of the configuration.
    pub config_key: Option<String>,
    /// What its manifest asks for, by kind.
    pub declared: BTreeMap<String, Vec<String>>,
    /// What it may do now, by kind.
    pub effective: BTreeMap<String, Vec<String>>,
    /// The approved hash of its manifest.
    pub manifest_hash: Option<String>,
    /// Each layer of the containment, with what it does for this module.
    pub confinement: Vec<String>,
    /// The last lines of its stderr.
    pub stderr_tail: Vec<String>,
}

/// A change that a dry run would have made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Whom it concerns.
    pub module_id: Option<String>,
    /// The code of the decision, as in the journal.
    pub code: String,
    /// What would happen, as a sentence.
    pub text: String,
}

/// The answer to a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// In the order in which they would begin; empty when nothing would change.
    pub steps: Vec<PlannedStep>,
}

/// One row of `permissions.list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PermissionRow {
    /// Whose.
    pub module_id: String,
    /// Whether it may run at all.
    pub approved: bool,
    /// Approved at installation, by kind.
    pub base: BTreeMap<String, Vec<String>>,
    /// Approved later, by kind.
    pub dynamic: BTreeMap<String, Vec<String>>,
    /// Refused, by kind.
    pub denied: BTreeMap<String, Vec<String>>,
    /// Not answered yet.
    pub pending: Vec<PendingRow>,
}

/// One row of `permissions.pending`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingRow {
    /// The wish's number; empty for a module whose first approval is missing.
    pub request_id: String,
    /// Whose.
    pub module_id: String,
    /// What it wishes for, by kind.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// The module's own words.
    pub reason: Option<String>,
}

/// One log line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When.
    pub ts_ms: u64,
    /// Of which module.
    pub module_id: String,
    /// Of which life.
    pub generation: u64,
    /// `trace`, `debug`, `info`, `warn`, `error` or `fatal`.
    pub level: String,
    /// `stdout`, `stderr`, `log` or `kernel`.
    pub source: String,
    /// The line.
    pub msg: String,
    /// What the module added to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The subject the module gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// A message on a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicMessage {
    /// When it was shown.
    pub ts_ms: u64,
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Value,
}

/// The answer of `why`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// How it is now.
    pub status: Option<ModuleStatus>,
    /// What was decided, oldest first.
    pub records: Vec<JournalRow>,
    /// The last lines of its stderr.
    pub stderr_tail: Vec<String>,
}

/// The answer of `logs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// Lines known to be lost in that range.
    pub lost: u64,
}

/// The answer of `module.install`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Installed {
    /// Its name.
    pub module_id: String,
    /// The hash of its manifest, which an approval would be bound to.
    pub manifest_hash: String,
    /// Whether it may run already.
    pub approved: bool,
    /// What it asks for, by kind.
    pub asks: BTreeMap<String, Vec<String>>,
}

/// The answer of `start`, `stop`, `restart`, `run` and `approve`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Acted {
    /// Whether it was so already.
    pub already: bool,
    /// How the module is now.
    pub status: Option<ModuleStatus>,
}

/// The answer of `kernel.settle`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    /// Modules that should be ready and are not.
    pub not_ready: Vec<String>,
}

/// The answer of `publish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    /// How many modules it went to.
    pub receivers: u64,
}
