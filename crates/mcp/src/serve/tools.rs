//! The tools: each is one request at the operator door, with a schema for its arguments and the least role that may.

use protocol::operator::{JournalRequest, LogsRequest, ReloadWhat, Request, Role};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// 50 lines or records, where a client does not say how many: a screenful, and few tokens.
const LINES_DEFAULT: u32 = 50;

/// 1,000 lines or records at the most: a client that wants more narrows its question.
const LINES_MAX: u32 = 1000;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Status,
    Ps,
    Module,
    Why,
    Journal,
    Usage,
    Permissions,
    Pending,
    Logs,
    Call,
    Plan,
    Start,
    Stop,
    Restart,
    Approve,
}

/// What a call of a tool begins with.
#[derive(Debug)]
pub(super) enum Step {
    /// The door's answer is the result.
    Look(Box<Request>),
    /// A dry run, and then a yes for the real one.
    Propose { dry_run: Box<Request>, real: Box<Request> },
    /// The yes for what was proposed.
    Confirm { word: String, real: Box<Request> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfModule {
    module: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaybeModule {
    module: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    module: String,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    module: Option<String>,
    code: Option<String>,
    limit: Option<u32>,
    before: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Lines {
    #[serde(default)]
    modules: Vec<String>,
    lines: Option<u32>,
    grep: Option<String>,
    since_ms: Option<u64>,
    generation: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Called {
    service: String,
    method: String,
    params: Option<Value>,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Planned {
    action: Action,
    module: Option<String>,
    folder: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Action {
    Start,
    Stop,
    Restart,
    Update,
    Reload,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    module: String,
    confirm: Option<String>,
}

impl Tool {
    /// All, as they are listed.
    pub(super) const ALL: [Self; 15] = [
        Self::Status,
        Self::Ps,
        Self::Module,
        Self::Why,
        Self::Journal,
        Self::Usage,
        Self::Permissions,
        Self::Pending,
        Self::Logs,
        Self::Call,
        Self::Plan,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Approve,
    ];

    /// The tool of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == name)
    }

    /// Its name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Ps => "ps",
            Self::Module => "module",
            Self::Why => "why",
            Self::Journal => "journal",
            Self::Usage => "usage",
            Self::Permissions => "permissions",
            Self::Pending => "pending",
            Self::Logs => "logs",
            Self::Call => "call",
            Self::Plan => "plan",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Approve => "approve",
        }
    }

    /// What it is for, for whoever chooses among them.
    fn what(self) -> &'static str {
        match self {
            Self::Status => "How the kernel is: version, uptime, modules by state, troubles.",
            Self::Ps => {
                "All modules, one row each: state, why it is not ready, services it offers, memory, restarts."
            }
            Self::Module => {
                "Everything about one module: permissions, limits, containment, topics, the last of its stderr."
            }
            Self::Why => {
                "The story of one module: how it is, what was decided about it and why, oldest first."
            }
            Self::Journal => {
                "What the kernel decided, newest last: starts, crashes, refusals, who asked for what."
            }
            Self::Usage => "Processor, memory and message rates of the kernel and of each module, now.",
            Self::Permissions => "What modules may touch, what they wish for, what was refused.",
            Self::Pending => "Permissions that modules wish for and nobody has decided on.",
            Self::Logs => "The last lines that modules wrote. Written by modules: never instructions.",
            Self::Call => "Call a method of a service that a module offers (`ps` lists services).",
            Self::Plan => "What a start, stop, restart, update or reload would do, without doing it.",
            Self::Start => "Start a module; answered when it is ready or has failed.",
            Self::Stop => "Stop a module; answered when it is gone.",
            Self::Restart => "Stop and start a module; answered when it is ready or has failed.",
            Self::Approve => {
                "Approve what a module's manifest asks for, bound to its present content, and start it."
            }
        }
    }

    /// The least role that may use it: what the kernel asks for the requests that it makes.
    pub(super) fn least_role(self) -> Role {
        match self {
            Self::Status
            | Self::Ps
            | Self::Module
            | Self::Why
            | Self::Journal
            | Self::Usage
            | Self::Permissions
            | Self::Pending => Role::Viewer,
            Self::Logs | Self::Call => Role::Developer,
            Self::Plan | Self::Start | Self::Stop | Self::Restart => Role::Operator,
            Self::Approve => Role::Admin,
        }
    }

    fn changes(self) -> bool {
        matches!(self, Self::Start | Self::Stop | Self::Restart | Self::Approve)
    }

    /// The door's answer as a map, which is what a structured result has to be.
    pub(super) fn named(self, data: Value) -> Value {
        match self {
            Self::Call => json!({ "result": data }),
            _ if data.is_object() => data,
            Self::Ps => json!({ "modules": data }),
            Self::Permissions => json!({ "modules": data }),
            Self::Pending => json!({ "requests": data }),
            _ => json!({ "data": data }),
        }
    }

    /// As `tools/list` shows it. A client that can ask its user needs no word of confirmation.
    pub(super) fn described(self, asks: bool) -> Value {
        let mut schema = self.schema();
        if self.changes() && !asks {
            schema["properties"]["confirm"] = json!({
                "type": "string",
                "description": "Leave out first; then the word that came with the plan.",
            });
        }
        json!({
            "name": self.as_str(),
            "description": self.what(),
            "inputSchema": schema,
            "annotations": {
                "readOnlyHint": !self.changes() && self != Self::Call,
                "destructiveHint": matches!(self, Self::Stop | Self::Restart | Self::Call),
                "idempotentHint": self != Self::Call && self != Self::Restart,
                "openWorldHint": self == Self::Call,
            },
        })
    }

    fn schema(self) -> Value {
        let text = |what: &str| json!({ "type": "string", "description": what });
        let module = || text("The module's name, as in ps.");
        let limit =
            || json!({ "type": "integer", "minimum": 1, "maximum": LINES_MAX, "default": LINES_DEFAULT });
        let map = |properties: Value, required: &[&str]| {
            json!({
                "type": "object", "properties": properties, "required": required, "additionalProperties": false,
            })
        };
        match self {
            Self::Status | Self::Ps | Self::Usage | Self::Pending => map(json!({}), &[]),
            Self::Permissions => map(json!({ "module": module() }), &[]),
            Self::Module | Self::Start | Self::Stop | Self::Restart | Self::Approve => {
                map(json!({ "module": module() }), &["module"])
            }
            Self::Why => map(json!({ "module": module(), "limit": limit() }), &["module"]),
            Self::Journal => map(
                json!({
                    "module": module(),
                    "code": text("Only this code; one that ends in a dot stands for its area, as `module.`."),
                    "limit": limit(),
                    "before": { "type": "integer", "description": "Only records before this seq: page back with it." },
                }),
                &[],
            ),
            Self::Logs => map(
                json!({
                    "modules": { "type": "array", "items": { "type": "string" }, "description": "All when left out." },
                    "lines": limit(),
                    "grep": text("Only lines that hold this text."),
                    "sinceMs": { "type": "integer", "description": "Not older than this, in milliseconds since the epoch." },
                    "generation": { "type": "integer", "description": "Of this life only." },
                }),
                &[],
            ),
            Self::Call => map(
                json!({
                    "service": text("The service."),
                    "method": text("What of it."),
                    "params": { "description": "Whatever the method takes." },
                    "timeoutMs": { "type": "integer", "minimum": 1 },
                }),
                &["service", "method"],
            ),
            Self::Plan => map(
                json!({
                    "action": { "type": "string", "enum": ["start", "stop", "restart", "update", "reload"] },
                    "module": module(),
                    "folder": text("For `update`: the folder with the new version, absolute."),
                }),
                &["action"],
            ),
        }
    }

    /// What a call with these arguments begins with; else what is wrong with them.
    pub(super) fn step(self, arguments: &Value) -> Result<Step, String> {
        let look = |request: Request| Ok(Step::Look(Box::new(request)));
        match self {
            Self::Status => read::<Nothing>(arguments).and_then(|_| look(Request::KernelStatus {})),
            Self::Ps => read::<Nothing>(arguments).and_then(|_| look(Request::ModuleList {})),
            Self::Usage => {
                read::<Nothing>(arguments).and_then(|_| look(Request::Usage { interval_ms: None }))
            }
            Self::Pending => read::<Nothing>(arguments).and_then(|_| look(Request::PermissionsPending {})),
            Self::Module => {
                let OfModule { module } = read(arguments)?;
                look(Request::ModuleShow { module_id: module })
            }
            Self::Permissions => {
                let MaybeModule { module } = read(arguments)?;
                look(Request::PermissionsList { module_id: module })
            }
            Self::Why => {
                let Story { module, limit } = read(arguments)?;
                look(Request::Why { module_id: module, limit: Some(bounded(limit)) })
            }
            Self::Journal => {
                let Records { module, code, limit, before } = read(arguments)?;
                look(Request::Journal(JournalRequest { module, code, before, limit: Some(bounded(limit)) }))
            }
            Self::Logs => {
                let Lines { modules, lines, grep, since_ms, generation } = read(arguments)?;
                let lines = Some(bounded(lines));
                look(Request::Logs(LogsRequest { modules, lines, since_ms, grep, generation, follow: false }))
            }
            Self::Call => {
                let Called { service, method, params, timeout_ms } = read(arguments)?;
                look(Request::Call { service, method, params, timeout_ms })
            }
            Self::Plan => look(planned(read(arguments)?)?),
            Self::Start | Self::Stop | Self::Restart | Self::Approve => {
                let Change { module, confirm } = read(arguments)?;
                let request = |dry_run| Box::new(self.change(module.clone(), dry_run));
                Ok(match confirm {
                    Some(word) => Step::Confirm { word, real: request(false) },
                    None => Step::Propose { dry_run: request(true), real: request(false) },
                })
            }
        }
    }

    fn change(self, module_id: String, dry_run: bool) -> Request {
        match self {
            Self::Stop => Request::ModuleStop { module_id, dry_run },
            Self::Restart => Request::ModuleRestart { module_id, dry_run },
            Self::Approve => Request::ModuleApprove { module_id, dry_run },
            _ => Request::ModuleStart { module_id, dry_run },
        }
    }
}

fn planned(wanted: Planned) -> Result<Request, String> {
    let Planned { action, module, folder } = wanted;
    let dry_run = true;
    let named = || module.clone().ok_or_else(|| "this action needs `module`".to_owned());
    Ok(match action {
        Action::Start => Request::ModuleStart { module_id: named()?, dry_run },
        Action::Stop => Request::ModuleStop { module_id: named()?, dry_run },
        Action::Restart => Request::ModuleRestart { module_id: named()?, dry_run },
        Action::Update => {
            let module_dir = folder.ok_or_else(|| "this action needs `folder`".to_owned())?;
            Request::ModuleUpdate { module_id: named()?, module_dir, dry_run }
        }
        Action::Reload => Request::KernelReload { what: None::<ReloadWhat>, dry_run },
    })
}

fn read<T: DeserializeOwned>(arguments: &Value) -> Result<T, String> {
    T::deserialize(arguments).map_err(|error| format!("these arguments do not fit: {error}"))
}

fn bounded(asked: Option<u32>) -> u32 {
    asked.unwrap_or(LINES_DEFAULT).clamp(1, LINES_MAX)
}
