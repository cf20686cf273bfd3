//! One line of an operator, read into a request. The texts of the first errors are those of the contract (A11): older
//! tools compare them.

use protocol::operator::Request;
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

/// 64 characters of an unknown command are repeated to whoever sent it.
const UNKNOWN_CHARS_MAX: usize = 64;

/// Reads one line.
pub(super) fn request(line: &[u8]) -> Result<Request, Refusal> {
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
    serde_json::from_value(value).map_err(|error| {
        let text = error.to_string();
        if text.starts_with("unknown variant") {
            unknown(&cmd)
        } else {
            Refusal::new("host::door::bad_request", text)
        }
    })
}

fn unknown(cmd: &str) -> Refusal {
    let shown: String = cmd.chars().take(UNKNOWN_CHARS_MAX).collect();
    Refusal::new("host::door::unknown_command", format!("Unknown command: {shown}"))
}
