//! The kernel's values as JSON: notices, results of its own methods, permissions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use abi::{ModuleId, Name, Payload, PermissionKind, Permissions};
use kernel::{Change, KernelResult, Message, ModuleRow, Notice, PendingRequest, VariableRow};
use protocol::door::LogLevel;
use serde_json::{Map, Value, json};

use crate::clock::wall_now;

/// A log level of the wire as the log keeps it.
pub(crate) fn log_level(level: LogLevel) -> store::Level {
    match level {
        LogLevel::Trace => store::Level::Trace,
        LogLevel::Debug => store::Level::Debug,
        LogLevel::Info => store::Level::Info,
        LogLevel::Warn => store::Level::Warn,
        LogLevel::Error => store::Level::Error,
        LogLevel::Fatal => store::Level::Fatal,
    }
}

/// `{net: [...], ...}` with the kinds that hold something.
pub(crate) fn permissions_json(permissions: &Permissions) -> BTreeMap<String, Vec<String>> {
    let kinds = PermissionKind::ALL.into_iter().filter(|kind| !permissions.of(*kind).is_empty());
    kinds.map(|kind| (kind.as_str().to_owned(), permissions.of(kind).iter().cloned().collect())).collect()
}

/// A message's JSON text; one that came from a module is handed on as it is.
pub(crate) fn message_json(message: &Message) -> Cow<'_, [u8]> {
    match message {
        Message::Raw(payload) => Cow::Borrowed(payload.as_bytes()),
        Message::Notice(notice) => Cow::Owned(notice_value(notice).to_string().into_bytes()),
    }
}

/// A payload as a value, for operators: it was JSON when it came.
pub(crate) fn raw_value(payload: &Payload) -> Value {
    serde_json::from_slice(payload.as_bytes()).unwrap_or(Value::Null)
}

/// A uuid as text (RFC 9562, section 4).
pub(crate) fn uuid_text(id: u128) -> String {
    let hex = format!("{id:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn notice_value(notice: &Notice) -> Value {
    match notice {
        Notice::Ready { module, provides, version } => {
            json!({ "moduleId": module.as_str(), "provides": names(provides), "version": version })
        }
        Notice::Stopping { module, tier } => json!({ "moduleId": module.as_str(), "tier": tier }),
        Notice::Stopped { module, reason } => {
            json!({ "moduleId": module.as_str(), "reason": reason.as_wire() })
        }
        Notice::Crashed { module, exit, restart_count } => json!({
            "moduleId": module.as_str(),
            "exitCode": exit.map(abi::ExitKind::shell_code),
            "restartCount": restart_count,
        }),
        Notice::PermissionPending { module, request } => {
            let mut value = request_value(request);
            value.insert("type".to_owned(), json!("permission:request"));
            value.insert("moduleId".to_owned(), json!(module.as_str()));
            value.insert("requestId".to_owned(), json!(uuid_text(request.id)));
            Value::Object(value)
        }
        Notice::Rpc { from, service, method, id } => json!({
            "from": from.as_str(),
            "service": service.as_str(),
            "method": method.as_str(),
            "id": id.as_str(),
            "ts": wall_now().0,
        }),
        Notice::Context { watch, scope, key, change } => {
            let mut value = json!({ "watch": watch, "scope": scope.to_string(), "key": key.as_str() });
            match change {
                Change::Set { value: new, version } => {
                    value["value"] = raw_value(new);
                    value["version"] = json!(version);
                }
                Change::Deleted => value["gone"] = json!("deleted"),
                Change::Expired => value["gone"] = json!("expired"),
            }
            value
        }
    }
}

fn request_value(request: &PendingRequest) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("permissions".to_owned(), json!(permissions_json(&request.permissions)));
    if let Some(reason) = &request.reason {
        map.insert("reason".to_owned(), json!(reason));
    }
    map
}

/// The result of one of the kernel's own methods, as JSON text.
pub(crate) fn answer_json(result: &KernelResult) -> Vec<u8> {
    answer_value(result).to_string().into_bytes()
}

fn answer_value(result: &KernelResult) -> Value {
    match result {
        KernelResult::Modules(rows) => rows.iter().map(row).collect(),
        KernelResult::Services(rows) => rows.iter().map(service_row).collect(),
        KernelResult::Provider(module) => json!(module.as_str()),
        KernelResult::Checked { granted, missing } => {
            json!({ "granted": permissions_json(granted), "missing": permissions_json(missing) })
        }
        KernelResult::Granted => json!({ "granted": true }),
        KernelResult::Denied => json!({ "granted": false, "denied": true }),
        KernelResult::Pending(id) => {
            json!({ "granted": false, "pending": true, "requestId": uuid_text(*id) })
        }
        KernelResult::PendingList(module, requests) => {
            let list = requests.iter().map(|request| {
                let mut value = request_value(request);
                value.insert("id".to_owned(), json!(uuid_text(request.id)));
                Value::Object(value)
            });
            let mut map = Map::new();
            map.insert(module.as_str().to_owned(), list.collect());
            Value::Object(map)
        }
        KernelResult::Snapshot { modules, services, pending, uptime_ms } => json!({
            "modules": modules.iter().map(row).collect::<Value>(),
            "services": services.iter().map(service_row).collect::<Value>(),
            "pending": pending,
            "uptime": uptime_ms,
        }),
        KernelResult::Variable(None) => Value::Null,
        KernelResult::Variable(Some((value, row))) => {
            let mut map = variable_row(row);
            map.insert("value".to_owned(), raw_value(value));
            Value::Object(map)
        }
        KernelResult::Variables(rows) => rows.iter().map(variable_row).map(Value::Object).collect(),
        KernelResult::Version(version) => json!({ "version": version }),
        KernelResult::Deleted(was_there) => json!({ "deleted": was_there }),
        KernelResult::Watching(number) => json!({ "watch": number }),
    }
}

fn row(row: &ModuleRow) -> Value {
    json!({ "id": row.id.as_str(), "status": row.state.as_str(), "provides": names(&row.provides) })
}

fn variable_row(row: &VariableRow) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("key".to_owned(), json!(row.key.as_str()));
    map.insert("bytes".to_owned(), json!(row.bytes));
    map.insert("version".to_owned(), json!(row.version));
    if let Some(ttl_ms) = row.ttl_ms {
        map.insert("ttl_ms".to_owned(), json!(ttl_ms));
    }
    map
}

fn service_row((service, module): &(Name, ModuleId)) -> Value {
    json!({ "service": service.as_str(), "moduleId": module.as_str() })
}

fn names(names: &[Name]) -> Vec<&str> {
    names.iter().map(Name::as_str).collect()
}
