//! What `--json` prints where it is not an answer of the operator door itself. Every document stands as `data` in an
//! `{"ok": true, "data": …}`; fields are in camelCase and times are milliseconds, as at the door.

pub mod alerts;
pub mod tokens;
pub mod updates;

use std::collections::BTreeMap;

use protocol::operator::{
    ConfigEntry, JournalRow, KernelStatus, LogLine, ModuleStatus, PendingRow, PermissionRow, PoolRow,
    ProbationStatus, Profiled, Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub mod backups;
pub mod policies;
pub mod restarts;
pub mod snapshots;
use crate::dev::frames::DevFrame;

/// `up -d`, `kernel start -d`, `kernel restart`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upped {
    /// Whether it ran already.
    pub already: bool,
    /// The kernel.
    pub kernel: KernelStatus,
    /// All modules, in the order in which they are listed.
    pub modules: Vec<ModuleStatus>,
    /// Modules that should be ready and are not.
    pub not_ready: Vec<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// `down`, `kernel stop`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Downed {
    /// Whether a kernel ran at all.
    pub was_running: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// `status` and `kernel status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Whether a kernel answers.
    pub running: bool,
    /// The home that was asked.
    pub home: String,
    /// The kernel, when it answers.
    pub kernel: Option<KernelStatus>,
}

/// `ps` and `module list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Modules {
    /// All modules.
    pub modules: Vec<ModuleStatus>,
}

/// `start`, `stop`, `restart`, of one or several modules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActedOn {
    /// One entry for each module named, in their order.
    pub modules: Vec<ActedOnOne>,
}

/// What came of it for one module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActedOnOne {
    /// Which.
    pub module_id: String,
    /// Whether it worked.
    pub ok: bool,
    /// Whether it was so already.
    pub already: bool,
    /// How it is now.
    pub status: Option<ModuleStatus>,
    /// Why it did not work.
    pub failure: Option<Response>,
}

/// `permissions list` and `module perms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionRows {
    /// By module.
    pub modules: Vec<PermissionRow>,
}

/// `permissions pending`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingRows {
    /// The wishes that wait for an answer.
    pub requests: Vec<PendingRow>,
}

/// `secret list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRows {
    /// By name.
    pub secrets: Vec<SecretRow>,
}

/// One secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRow {
    /// Its name.
    pub name: String,
    /// How often it was set, from 1.
    pub version: u64,
    /// When it was set last.
    pub set_at_ms: u64,
    /// How long its value is.
    pub bytes: u64,
}

/// `secret set`, `secret rm`, `secret rotate`, `secret unlock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretChanged {
    /// `set`, `removed`, `rotated` or `unlocked`.
    pub what: String,
    /// Which secret; none where it is about the whole vault.
    pub name: Option<String>,
    /// Where the new key lies, when it lies in a file.
    pub key_file: Option<String>,
    /// Whether a running kernel wrote it into its journal.
    pub noted: bool,
}

/// `dashboard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DashboardLink {
    /// Whether it is on now.
    pub on: bool,
    /// The link, which works once; none when it is off or listens on its socket only.
    pub url: Option<String>,
    /// When the link ends.
    pub expires_at_ms: Option<u64>,
    /// SHA-256 of the certificate that was made, as browsers show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// `call`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Called {
    /// What the service answered.
    pub result: Value,
}

/// `restart --hot`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwappedModules {
    /// One entry for each module named, in their order.
    pub modules: Vec<SwappedOne>,
}

/// What came of it for one module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwappedOne {
    /// Which.
    pub module_id: String,
    /// How it went.
    #[serde(flatten)]
    pub swapped: protocol::operator::Swapped,
}

/// `fn list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Functions {
    /// By name.
    pub functions: Vec<protocol::operator::FunctionRow>,
}

/// `fn rm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionRemoved {
    /// Which it was.
    pub name: String,
}

/// `audit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// Oldest first.
    pub records: Vec<JournalRow>,
    /// Records that are there and can't be read, by their place: somebody changed them.
    pub damaged: Vec<u64>,
}

/// `audit --verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerdict {
    /// Whether every record is as it was written.
    pub sound: bool,
    /// How many records are kept; nothing when the chain is broken.
    pub records: Option<u64>,
    /// How many older ones were dropped for age; nothing when the chain is broken.
    pub dropped: Option<u64>,
    /// The first place that is wrong.
    pub broken_at: Option<u64>,
    /// What is wrong there.
    pub flaw: Option<String>,
}

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Good,
    /// It is not there and need not be, or not yet.
    Absent,
    /// It works, with less than there could be.
    Weak,
    /// It does not work.
    Bad,
}

/// One line of `doctor`, `config doctor`, `config check` and `module check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which part: `containment`, `runtime`, `home`, `system`, `kernel`, `config`, `module`.
    pub area: String,
    /// What was looked at.
    pub what: String,
    /// How well it is.
    pub grade: Grade,
    /// What was found, as a sentence.
    pub text: String,
    /// What to type or do next.
    pub help: Option<String>,
}

/// `doctor`, `config doctor`, `config check`, `module check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// Whether nothing is bad.
    pub healthy: bool,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
}

impl Findings {
    /// Judges the whole by its parts.
    pub fn new(findings: Vec<Finding>) -> Self {
        Self { healthy: findings.iter().all(|finding| finding.grade != Grade::Bad), findings }
    }
}

/// `config list` and `config show`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigEntries {
    /// Every value that is in force, by key.
    pub entries: Vec<ConfigEntry>,
}

/// `config set`, `config unset`, `config reset`, `config edit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigChanged {
    /// The file.
    pub file: String,
    /// What is different now; the old and the new value by dotted key, `null` for none.
    pub changes: Vec<ConfigChange>,
    /// Whether a running kernel took it over; nothing when none runs or it was a dry run.
    pub reloaded: Option<bool>,
}

/// `zone list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneRows {
    /// What each zone's modules use together, and what they may.
    pub pools: Vec<PoolRow>,
    /// Who keeps these bounds, and which of them.
    pub bounds: String,
    /// Every module with its zone, those that give way first at the top.
    pub modules: Vec<ZoneRow>,
}

/// One module in its zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneRow {
    /// `sandbox`, `stable` or `system`.
    pub zone: String,
    /// Its name.
    pub id: String,
    /// Its state.
    pub status: String,
    /// How tight the governor holds it, if at all.
    pub held: Option<String>,
    /// How far its probation is, if it serves one.
    pub probation: Option<ProbationStatus>,
    /// Why it is not ready, if so.
    pub note: String,
}

/// `zone restart` and `zone reset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneDone {
    /// Which zone.
    pub zone: String,
}

/// `kernel restore`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Restored {
    /// Each file that differed from what is kept.
    pub files: Vec<RestoredFile>,
    /// The folder that holds what was there before.
    pub aside: String,
    /// Whether a running kernel took it over; nothing when none runs or it was a dry run.
    pub reloaded: Option<bool>,
}

/// One file that was put back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RestoredFile {
    /// Its path in the home.
    pub file: String,
    /// `put back`, `brought back` or `moved away`.
    pub what: String,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigChange {
    /// Which value.
    pub key: String,
    /// Before.
    pub old: Value,
    /// After.
    pub new: Value,
}

/// `service install` and `service uninstall`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceUnit {
    /// The unit's file.
    pub path: String,
    /// Its text, where it was written or would be.
    pub unit: Option<String>,
    /// `systemd-analyze verify`: whether it passed; nothing where that is not there.
    pub verified: Option<bool>,
    /// What to run next.
    pub next: Vec<String>,
}

/// `completion`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Completion {
    /// Which shell.
    pub shell: String,
    /// The script.
    pub script: String,
}

/// `help man DIR`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManPages {
    /// The files that were written.
    pub files: Vec<String>,
}

/// `help` of a verb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HelpText {
    /// The text, as on the terminal.
    pub text: String,
}

/// `help exit-codes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExitCodes {
    /// The meaning of each code.
    pub codes: BTreeMap<u8, String>,
}

/// `help json`: the verbs and the schemas of what they print.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Schemas {
    /// By verb.
    pub verbs: BTreeMap<String, Value>,
}

/// One line of `up` in the foreground, beside the door's own events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum UpEvent {
    /// A step of the boot is done.
    #[serde(rename_all = "camelCase")]
    Booted {
        /// Which: `config`, `store`, `modules`, `door`, `start`.
        step: String,
        /// What it found.
        found: String,
        /// Milliseconds since the start.
        after_ms: u64,
    },
    /// Nothing is on its way to being ready any more; these should be ready and are not.
    #[serde(rename_all = "camelCase")]
    Settled {
        /// Their names.
        not_ready: Vec<String>,
    },
    /// Something is not as it should be, and the kernel runs on.
    Trouble(String),
    /// A module said something.
    Log(LogLine),
    /// Something was decided.
    Record(JournalRow),
    /// This many events were dropped, because they were read too slowly.
    Lost(u64),
    /// A frame passed a module's door. Only by `dev`.
    Frame(DevFrame),
    /// Something was refused that a grant would allow. Only by `dev`.
    #[serde(rename_all = "camelCase")]
    Denied {
        /// Whom.
        module_id: String,
        /// What, as a sentence.
        what: String,
        /// What would allow it: a command, or what to write where.
        grant: String,
    },
    /// What was written is what runs. Only by `dev`.
    #[serde(rename_all = "camelCase")]
    Reloaded {
        /// Which module.
        module_id: String,
        /// How.
        how: DevHow,
        /// How long it took, in milliseconds.
        took_ms: u64,
        /// The changed files, relative to the folder; empty when there were too many.
        files: Vec<String>,
    },
    /// What was written is not what runs, which goes on. Only by `dev`.
    NotReloaded {
        /// The error's code.
        code: String,
        /// What happened, with file, line and column where a file is broken.
        message: String,
        /// Further lines that belong to it.
        details: Vec<String>,
        /// What to do.
        help: Option<String>,
    },
    /// What a module needed while it was observed. Only by `dev --observe`.
    Observed(Profiled),
    /// The end has begun.
    Stopping(()),
    /// Nothing runs any more.
    #[serde(rename_all = "camelCase")]
    Stopped {
        /// How long the end took, in milliseconds.
        took_ms: u64,
    },
}

/// How a change was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DevHow {
    /// New code took over the state of the old one.
    Swapped,
    /// It was stopped and started.
    Restarted,
    /// Its description was read again, and it began anew where that was needed.
    Reread,
}

/// `docs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocsTold {
    /// All pages, or the one that was named.
    pub pages: Vec<DocPage>,
    /// The text of the one that was named, as Markdown.
    pub text: Option<String>,
}

/// A page of the documentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocPage {
    /// What to type.
    pub name: String,
    /// Its heading.
    pub title: String,
}

/// `replay`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replayed {
    /// Frames that the module was told.
    pub told: usize,
    /// Frames that it had said then, but for log lines and small talk.
    pub expected: usize,
    /// Those that it said differently, or not at all.
    pub differences: Vec<ReplayedFrame>,
}

/// A frame that is not what it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayedFrame {
    /// Its place among the module's frames, from 1.
    pub number: usize,
    /// What it said then, without numbers and traces.
    pub expected: Value,
    /// What it said now; nothing when nothing came in time.
    pub got: Option<Value>,
}

/// `kernel logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KernelLog {
    /// Oldest first, as they stand in the file.
    pub lines: Vec<String>,
}

/// The last line of `run` without `-d`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunEnded {
    /// The module that the command was.
    pub module_id: String,
    /// How it ended, as a shell would show it; nothing when it was left running.
    pub exit_code: Option<i32>,
}

/// `import` and `init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// What it was made from: `compose`, `procfile`, `pons`, `folder`, …
    pub kind: String,
    /// The file or folder, as it was typed.
    pub source: String,
    /// The text of the `ostoja.yaml`.
    pub yaml: String,
    /// Where it was written, if it was.
    pub written: Option<String>,
    /// The modules' names.
    pub modules: Vec<String>,
    /// What could not be carried over, or is different.
    pub remarks: Vec<ImportRemark>,
    /// What is no module.
    pub left_out: Vec<ImportLeftOut>,
}

/// `ostoja` alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Whether a kernel answers.
    pub running: bool,
    /// The home that was asked.
    pub home: String,
    /// The project's file, if there is one here.
    pub project: Option<String>,
    /// The kernel, when it answers.
    pub kernel: Option<KernelStatus>,
    /// All modules.
    pub modules: Vec<OverviewModule>,
    /// How many wishes wait for an answer.
    pub pending: usize,
    /// What could be typed next, at most three.
    pub hints: Vec<String>,
}

/// A module, as the overview tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverviewModule {
    /// Its name.
    pub module_id: String,
    /// Its state.
    pub state: String,
    /// Why it is in it, where that is known.
    pub note: String,
}

/// `new`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The module's name.
    pub module_id: String,
    /// Its folder.
    pub folder: String,
    /// Its files, below the folder.
    pub files: Vec<String>,
    /// What to type next: to its first answered call.
    pub next: Vec<String>,
}

/// A remark of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportRemark {
    /// The module that it is about; nothing for all of them.
    pub module_id: Option<String>,
    /// The sentence.
    pub text: String,
}

/// What an import left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportLeftOut {
    /// Its name in the source.
    pub name: String,
    /// Why, as the end of a sentence.
    pub why: String,
}

/// One line of `demo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DemoStep {
    /// Its number, from 1.
    pub step: u32,
    /// What is shown.
    pub title: String,
    /// Whether it was seen to work.
    pub ok: bool,
    /// What was seen.
    pub seen: Vec<String>,
}
