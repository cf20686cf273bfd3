//! The schemas of everything that `--json` prints: one list, from which the reference is generated, which `help json`
//! shows, and against which a test holds what each verb really prints.

use protocol::operator::{
    Acted, ActorTable, Collected, ConfigEntry, ContextKey, Event, EventLine, FunctionRow, FunctionStats,
    Installed, LogPage, ModuleDetail, ModuleStatus, PackageVerified, Plan, Profiled, Published, Safe,
    SelfUpdatePlan, SelfVersions, SlotTable, SnapshotMade, SnapshotRestored, Story, TransactionPlan,
    TransactionTable, UpdateDone, UpdateHistory, UpdatePlan, UsageTable, VariableList, VariableRow,
};
use schemars::{JsonSchema, Schema, schema_for};

use crate::output::alerts::{AlertSilence, AlertTable, AlertTested, AlertUnsilenced};
use crate::output::backups::{
    BackupMade, BackupPruned, BackupRestored, BackupRows, BackupShown, BackupVerified,
};
use crate::output::policies::{PolicyChecked, PolicyExplained, PolicyTested};
use crate::output::restarts::{RestartHistory, RestartImpact};
use crate::output::snapshots::{SnapshotRemoved, SnapshotRows, SnapshotShown};
use crate::output::tokens::{TokenMade, TokenRevoked, TokenRows};
use crate::output::updates::{KeyChanged, KeyRows, MakerChanged, Packed, Pinned, SelfUpdated};
use crate::output::{
    ActedOn, AuditPage, AuditVerdict, Called, Completion, ConfigChanged, ConfigEntries, DashboardLink,
    DemoStep, DocsTold, Downed, ExitCodes, Findings, FunctionRemoved, Functions, HelpText, Imported,
    KernelLog, Made, ManPages, Modules, Overview, PendingRows, PermissionRows, Replayed, Restored, RunEnded,
    Schemas, SecretChanged, SecretRows, ServiceUnit, Status, SwappedModules, UpEvent, Upped, ZoneDone,
    ZoneRows,
};

/// How a verb prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One document: the schema is that of `data` in an `ok` answer.
    Document,
    /// Lines: the schema is that of each line.
    Lines,
}

/// What one verb prints with `--json`.
#[derive(Debug, Clone)]
pub struct Output {
    /// The verb with the options that change what is printed.
    pub verb: &'static str,
    /// How.
    pub shape: Shape,
    /// What.
    pub schema: Schema,
}

fn document<T: JsonSchema>(verb: &'static str) -> Output {
    Output { verb, shape: Shape::Document, schema: schema_for!(T) }
}

fn lines<T: JsonSchema>(verb: &'static str) -> Output {
    Output { verb, shape: Shape::Lines, schema: schema_for!(T) }
}

/// All outputs, by verb in the order of the registry. Every verb that changes something prints a `Plan` with
/// `--dry-run`, listed once.
pub fn outputs() -> Vec<Output> {
    let mut all = everyday();
    all.extend(versions());
    all.extend(of_backups());
    all.extend(nested());
    all
}

fn everyday() -> Vec<Output> {
    vec![
        document::<Overview>("(none)"),
        lines::<UpEvent>("up"),
        document::<Upped>("up -d"),
        document::<Downed>("down"),
        lines::<Event>("run"),
        document::<RunEnded>("run (its last line)"),
        document::<Acted>("run -d"),
        document::<Modules>("ps"),
        document::<Status>("status"),
        document::<ModuleStatus>("status MODULE"),
        document::<ActedOn>("start"),
        document::<ActedOn>("stop"),
        document::<ActedOn>("restart"),
        document::<SwappedModules>("restart --hot"),
        document::<RestartImpact>("restart plan"),
        document::<RestartHistory>("restart history"),
        document::<Plan>("reload"),
        document::<Plan>("--dry-run of any verb but config, service"),
        document::<LogPage>("logs"),
        lines::<Event>("logs -f"),
        document::<Called>("call"),
        document::<Published>("publish"),
        lines::<Event>("subscribe"),
        lines::<EventLine>("events"),
        document::<UsageTable>("top -n 1"),
        lines::<Event>("top"),
        document::<ActorTable>("actors"),
        document::<Story>("why"),
        document::<DashboardLink>("dashboard"),
        document::<AlertTable>("alert list"),
        document::<AlertTested>("alert test"),
        document::<AlertSilence>("alert silence"),
        document::<AlertUnsilenced>("alert unsilence"),
        document::<TokenMade>("token create"),
        document::<TokenRows>("token list"),
        document::<TokenRevoked>("token revoke"),
        document::<Findings>("doctor"),
        document::<AuditPage>("audit"),
        document::<AuditVerdict>("audit --verify"),
    ]
}

fn versions() -> Vec<Output> {
    vec![
        document::<PackageVerified>("update verify"),
        document::<UpdatePlan>("update plan"),
        document::<TransactionPlan>("update plan FILE FILE"),
        document::<TransactionTable>("update status"),
        document::<UpdateDone>("update apply"),
        document::<UpdateDone>("update go"),
        document::<UpdateDone>("update rollback"),
        document::<SlotTable>("update list"),
        document::<UpdateHistory>("update history"),
        document::<Pinned>("update pin"),
        document::<Pinned>("update unpin"),
        document::<Collected>("update gc"),
        document::<SelfUpdated>("self-update"),
        document::<SelfUpdatePlan>("self-update --dry-run"),
        document::<SelfVersions>("self-update --list"),
        document::<KeyChanged>("key generate"),
        document::<KeyRows>("key list"),
        document::<KeyChanged>("key rotate"),
        document::<KeyChanged>("key revoke"),
        document::<MakerChanged>("key root"),
        document::<MakerChanged>("key trust"),
        document::<MakerChanged>("key distrust"),
    ]
}

fn of_backups() -> Vec<Output> {
    vec![
        document::<BackupMade>("backup create"),
        document::<BackupRows>("backup list"),
        document::<BackupShown>("backup show"),
        document::<BackupRestored>("backup restore"),
        document::<BackupVerified>("backup verify"),
        document::<BackupPruned>("backup prune"),
        document::<SnapshotMade>("snapshot create"),
        document::<SnapshotRows>("snapshot list"),
        document::<SnapshotShown>("snapshot show"),
        document::<SnapshotRestored>("snapshot restore"),
        document::<SnapshotRemoved>("snapshot rm"),
    ]
}

fn nested() -> Vec<Output> {
    vec![
        document::<Modules>("module list"),
        document::<Installed>("module install"),
        document::<Acted>("module approve"),
        document::<Installed>("module update"),
        document::<ModuleDetail>("module show"),
        document::<Packed>("module pack"),
        document::<PermissionRows>("module perms"),
        document::<Profiled>("module profile"),
        document::<Findings>("module check"),
        document::<FunctionRow>("fn put"),
        document::<Called>("fn run"),
        document::<Functions>("fn list"),
        document::<FunctionRemoved>("fn rm"),
        document::<FunctionStats>("fn stats"),
        document::<PermissionRows>("permissions list"),
        document::<PendingRows>("permissions pending"),
        document::<PolicyChecked>("policy check"),
        document::<PolicyExplained>("policy explain"),
        document::<PolicyTested>("policy test"),
        document::<VariableList>("context list"),
        document::<VariableRow>("context get"),
        document::<ContextKey>("context set"),
        document::<ContextKey>("context delete"),
        document::<SecretChanged>("secret set"),
        document::<SecretRows>("secret list"),
        document::<SecretChanged>("secret rm"),
        document::<SecretChanged>("secret rotate"),
        document::<SecretChanged>("secret unlock"),
        document::<ConfigEntry>("config get"),
        document::<ConfigEntries>("config list"),
        document::<ConfigEntries>("config show"),
        document::<ConfigChanged>("config set"),
        document::<ConfigChanged>("config unset"),
        document::<ConfigChanged>("config reset"),
        document::<ConfigChanged>("config edit"),
        document::<Findings>("config check"),
        document::<Findings>("config doctor"),
        lines::<UpEvent>("kernel start"),
        document::<Upped>("kernel start -d"),
        document::<Downed>("kernel stop"),
        document::<Upped>("kernel restart"),
        document::<Safe>("kernel safe-mode"),
        document::<Safe>("kernel resume"),
        document::<Restored>("kernel restore"),
        document::<Status>("kernel status"),
        document::<KernelLog>("kernel logs"),
        document::<ZoneRows>("zone list"),
        document::<Safe>("zone promote"),
        document::<ZoneDone>("zone restart"),
        document::<ZoneDone>("zone reset"),
        document::<ServiceUnit>("service install"),
        document::<ServiceUnit>("service uninstall"),
        document::<Made>("new"),
        lines::<UpEvent>("dev"),
        document::<DocsTold>("docs"),
        document::<Replayed>("replay"),
        document::<Imported>("import"),
        document::<Imported>("init"),
        document::<Completion>("completion"),
        lines::<DemoStep>("demo"),
        document::<HelpText>("help"),
        document::<ExitCodes>("help exit-codes"),
        document::<Schemas>("help json"),
        document::<ManPages>("help man"),
    ]
}
