//! One line of an operator, read into a request. The texts of the first errors are those of the contract (A11): older
//! tools compare them.

use abi::ModuleId;
use protocol::operator::{OnBehalf, Request};
use serde_json::Value;

use super::reply::Refusal;

#[cfg(test)]
mod tests;

/// Requests that name one module.
const NAMES_A_MODULE: [&str; 11] = [
    "module.status",
    "module.show",
    "module.start",
    "module.stop",
    "module.restart",
    "module.swap",
    "module.profile",
    "module.approve",
    "module.uninstall",
    "module.update",
    "module.remove",
];

/// Requests that name a folder.
const NAMES_A_FOLDER: [&str; 2] = ["module.install", "module.update"];

/// Requests that have verbs of their own.
const HAVE_VERBS: [&str; 3] = ["update", "config", "snapshot"];

/// 64 characters of an unknown command are repeated to whoever sent it.
const UNKNOWN_CHARS_MAX: usize = 64;

/// What one line asks.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    /// For whom, when not for the one who holds the socket.
    pub(super) by: Option<OnBehalf>,
    /// The request's name.
    pub(super) cmd: String,
    /// The same with the verb of one that has several: `update.apply`.
    pub(super) verb: String,
    /// The module that it names, if any.
    pub(super) module: Option<ModuleId>,
}

/// Reads one line.
pub(super) fn asked(line: &[u8]) -> Result<Asked, Refusal> {
    let invalid = || Refusal::new("host::door::invalid_json", "Invalid JSON");
    let value: Value = serde_json::from_slice(line).map_err(|_| invalid())?;
    let fields = value.as_object().ok_or_else(invalid)?;
    let cmd = match fields.get("cmd") {
        Some(Value::String(cmd)) => cmd.clone(),
        Some(other) => return Err(unknown(&other.to_string())),
        None => return Err(unknown("undefined")),
    };
    let lacks = |field: &str| fields.get(field).is_none_or(Value::is_null);
    if NAMES_A_MODULE.contains(&cmd.as_str()) && lacks("moduleId") {
        return Err(Refusal::new("host::door::bad_request", "moduleId is required"));
    }
    if NAMES_A_FOLDER.contains(&cmd.as_str()) && lacks("moduleDir") {
        return Err(Refusal::new("host::door::bad_request", "moduleDir is required"));
    }
    let by = fields.get("by").map(on_behalf).transpose()?;
    let verb = match fields.get("verb").and_then(Value::as_str) {
        Some(verb) if HAVE_VERBS.contains(&cmd.as_str()) => format!("{cmd}.{verb}"),
        _ => cmd.clone(),
    };
    let module = fields.get("moduleId").and_then(Value::as_str).and_then(|id| ModuleId::parse(id).ok());
    let request = serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        if text.starts_with("unknown variant") {
            unknown(&cmd)
        } else {
            Refusal::new("host::door::bad_request", text)
        }
    })?;
    Ok(Asked { request, by, cmd, verb, module })
}

/// A `by` that can't be read refuses the request: left out, it would be asked with every right.
fn on_behalf(value: &Value) -> Result<OnBehalf, Refusal> {
    let refused = |why: String| Refusal::new("host::door::bad_request", format!("by: {why}"));
    let by: OnBehalf = serde_json::from_value(value.clone()).map_err(|error| refused(error.to_string()))?;
    if by.is_sound() {
        Ok(by)
    } else {
        Err(refused("the name has no character, or too many, or odd ones".to_owned()))
    }
}

fn unknown(cmd: &str) -> Refusal {
    let shown: String = cmd.chars().take(UNKNOWN_CHARS_MAX).collect();
    Refusal::new("host::door::unknown_command", format!("Unknown command: {shown}"))
}
