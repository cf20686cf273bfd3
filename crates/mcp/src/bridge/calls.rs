//! A call through the module door as a request of MCP, and its result back.

use std::time::Duration;

use sdk::{Call, Failure};
use serde_json::{Map, Value, json};

use super::peer::{AskError, Part};
use super::session::Session;

/// 100 ms: how soon a server hears that its caller has given up. Nothing else looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Methods of MCP that are handed on as they are. All of them look; a tool's name has no slash in it.
const HANDED_ON: [&str; 6] = [
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
];

/// Serves one call.
pub(super) fn serve(session: &Session, call: &Call) -> Result<Value, Failure> {
    let method = call.method();
    if method == "tools/list" {
        return Ok(json!({ "tools": session.tools() }));
    }
    let params = arguments(call.raw_params())?;
    if HANDED_ON.contains(&method) || method == "tools/call" {
        return wait(session, call, method, params);
    }
    if !session.has_tool(method) {
        let known = session.tool_names().join(", ");
        return Err(Failure::new(format!("Unknown method: {method}; there are: {known}")));
    }
    let request = json!({ "name": method, "arguments": params });
    from_tool(wait(session, call, "tools/call", super::session::object(request))?)
}

fn arguments(params: &Value) -> Result<Map<String, Value>, Failure> {
    match params {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map.clone()),
        _ => Err(Failure::new("bad params: an MCP tool takes a map of named arguments")),
    }
}

fn wait(session: &Session, call: &Call, method: &str, params: Map<String, Value>) -> Result<Value, Failure> {
    let pending = session.start(method, params)?;
    loop {
        match pending.next(LOOK_EVERY) {
            Some(Part::Answer(Ok(result))) => return finished(result),
            Some(Part::Answer(Err(AskError::Refused(error)))) => return Err(Failure::new(error.message)),
            Some(Part::Answer(Err(error))) => return Err(error.into()),
            Some(Part::Progress(fraction, words)) => call.progress(fraction, words.as_deref())?,
            None if call.is_cancelled() => {
                pending.give_up("the caller has given up");
                return Err(Failure::new("cancelled"));
            }
            None => {}
        }
    }
}

/// A server of the era without sessions may answer with a question to a user, whom a module does not have.
fn finished(result: Value) -> Result<Value, Failure> {
    match result.get("resultType").and_then(Value::as_str) {
        Some("input_required") => {
            Err(Failure::new("the MCP server asks for input, and a module has no user to ask"))
        }
        _ => Ok(result),
    }
}

/// What a tool gave: its data where it has some, its one text as a text, else all parts as they are.
pub(super) fn from_tool(mut result: Value) -> Result<Value, Failure> {
    let content = result.get_mut("content").map(Value::take).unwrap_or_else(|| json!([]));
    let texts = || {
        let parts = content.as_array().into_iter().flatten();
        parts.filter_map(|part| part.get("text").and_then(Value::as_str)).collect::<Vec<_>>().join("\n")
    };
    if result.get("isError").and_then(Value::as_bool) == Some(true) {
        let text = texts();
        return Err(Failure::new(if text.is_empty() { "the tool failed".to_owned() } else { text }));
    }
    if let Some(data) = result.get_mut("structuredContent").map(Value::take).filter(|data| !data.is_null()) {
        return Ok(data);
    }
    let is_one_text =
        content.as_array().is_some_and(|parts| parts.len() == 1 && parts[0].get("text").is_some());
    Ok(if is_one_text { Value::String(texts()) } else { content })
}
