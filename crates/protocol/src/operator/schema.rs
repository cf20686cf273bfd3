//! The JSON Schema of the operator door, with the shape of each answer by request.

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use super::{
    Acted, Event, Installed, KernelStatus, LogPage, ModuleDetail, ModuleStatus, PendingRow, PermissionRow,
    Plan, Published, Request, Response, Settled, Story, UsageTable,
};

/// All that passes the door, under one roof so that a tool needs one file.
#[derive(JsonSchema)]
#[schemars(title = "The operator door, version 1", rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields exist for the schema only")]
struct OperatorDoor {
    /// One line to the kernel.
    request: Request,
    /// The line that answers it.
    response: Response,
    /// The lines that follow, where something is followed.
    event: Event,
    /// The `data` of each request's answer.
    answers: Answers,
}

/// The `data` of each request's answer, by `cmd`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the fields exist for the schema only")]
struct Answers {
    #[schemars(rename = "kernel.status")]
    kernel_status: KernelStatus,
    #[schemars(rename = "kernel.settle")]
    kernel_settle: Settled,
    /// Of every request with `dryRun`.
    plan: Plan,
    #[schemars(rename = "module.list")]
    module_list: Vec<ModuleStatus>,
    #[schemars(rename = "module.status")]
    module_status: ModuleStatus,
    #[schemars(rename = "module.show")]
    module_show: ModuleDetail,
    /// Of `module.start`, `module.stop`, `module.restart`, `module.approve`, `module.run`, `module.remove`.
    acted: Acted,
    #[schemars(rename = "module.install")]
    module_install: Installed,
    #[schemars(rename = "permissions.list")]
    permissions_list: Vec<PermissionRow>,
    #[schemars(rename = "permissions.pending")]
    permissions_pending: Vec<PendingRow>,
    logs: LogPage,
    /// What the service answered.
    call: Value,
    publish: Published,
    usage: UsageTable,
    why: Story,
}

/// The JSON Schema of the operator door.
pub fn operator_door() -> Value {
    schema_for!(OperatorDoor).to_value()
}
