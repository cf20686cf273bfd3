//! The operator door as one JSON Schema: what is asked, what is answered, what follows, and which answer belongs to
//! which request.

use super::{
    Acted, ActorTable, Collected, ConfigTable, EventLine, EventsBegun, FunctionRow, FunctionStats, Installed,
    JournalPage, KernelStatus, LogPage, ModuleDetail, ModuleStatus, OnBehalf, PendingRow, PermissionRow,
    Plan, Profiled, Published, Request, Response, Safe, Settled, SlotTable, SnapshotMade, SnapshotRestored,
    Story, Swapped, TransactionPlan, TransactionTable, UpdateDone, UpdateHistory, UpdatePlan, UsageTable,
    VariableList, VariableRow,
};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

/// Everything that goes over the operator's socket.
#[derive(JsonSchema)]
#[schemars(title = "The operator door, version 1")]
#[expect(dead_code, reason = "the fields exist for the schema only")]
struct OperatorDoor {
    /// One line from an operator.
    request: Request,
    /// The field `by` of such a line: for whom it is asked, when not for the one who holds the socket.
    by: Option<OnBehalf>,
    /// The line that answers it.
    response: Response,
    /// The lines that follow when something is followed.
    event: EventLine,
    /// The `data` of a good answer, by request; what is not listed has none.
    answers: Answers,
}

/// The `data` of a good answer, by request; of those with a `verb`, by both. With `dryRun`, all of them answer with a `Plan`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the fields exist for the schema only")]
struct Answers {
    #[schemars(rename = "dryRun")]
    dry_run: Plan,
    #[schemars(rename = "kernel.status")]
    kernel_status: KernelStatus,
    #[schemars(rename = "kernel.safe-mode")]
    kernel_safe_mode: Safe,
    #[schemars(rename = "kernel.resume")]
    kernel_resume: Safe,
    #[schemars(rename = "zone.promote")]
    zone_promote: Safe,
    #[schemars(rename = "kernel.settle")]
    kernel_settle: Settled,
    #[schemars(rename = "module.list")]
    module_list: Vec<ModuleStatus>,
    #[schemars(rename = "module.status")]
    module_status: ModuleStatus,
    #[schemars(rename = "module.show")]
    module_show: ModuleDetail,
    #[schemars(rename = "module.start")]
    module_start: Acted,
    #[schemars(rename = "module.stop")]
    module_stop: Acted,
    #[schemars(rename = "module.restart")]
    module_restart: Acted,
    #[schemars(rename = "module.run")]
    module_run: Acted,
    #[schemars(rename = "module.approve")]
    module_approve: Acted,
    #[schemars(rename = "module.install")]
    module_install: Installed,
    #[schemars(rename = "module.update")]
    module_update: Installed,
    /// Of the verbs `apply`, `go` and `roll-back`.
    update: UpdateDone,
    config: ConfigTable,
    #[schemars(rename = "update.plan")]
    update_plan: UpdatePlan,
    /// Of the verb `plan` with more than one package.
    #[schemars(rename = "update.plan.several")]
    update_plan_several: TransactionPlan,
    #[schemars(rename = "update.status")]
    update_status: TransactionTable,
    #[schemars(rename = "update.list")]
    update_list: SlotTable,
    #[schemars(rename = "update.history")]
    update_history: UpdateHistory,
    #[schemars(rename = "update.gc")]
    update_gc: Collected,
    /// Of the verb `create`.
    snapshot: SnapshotMade,
    #[schemars(rename = "snapshot.restore")]
    snapshot_restore: SnapshotRestored,
    #[schemars(rename = "permissions.list")]
    permissions_list: Vec<PermissionRow>,
    #[schemars(rename = "permissions.pending")]
    permissions_pending: Vec<PendingRow>,
    logs: LogPage,
    /// What the service answered, as it is.
    call: Value,
    publish: Published,
    usage: UsageTable,
    events: EventsBegun,
    #[schemars(rename = "module.swap")]
    module_swap: Swapped,
    #[schemars(rename = "module.profile")]
    module_profile: Profiled,
    actors: ActorTable,
    #[schemars(rename = "fn.put")]
    function_put: FunctionRow,
    /// What the function gave, as it is.
    #[schemars(rename = "fn.run")]
    function_run: Value,
    #[schemars(rename = "fn.list")]
    function_list: Vec<FunctionRow>,
    #[schemars(rename = "fn.stats")]
    function_stats: FunctionStats,
    #[schemars(rename = "context.list")]
    context_list: VariableList,
    #[schemars(rename = "context.get")]
    context_get: VariableRow,
    journal: JournalPage,
    why: Story,
}

/// The JSON Schema of the operator door.
pub fn operator_door() -> Value {
    schema_for!(OperatorDoor).to_value()
}
