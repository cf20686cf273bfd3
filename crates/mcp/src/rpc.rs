//! JSON-RPC 2.0 as MCP uses it: one message a line, read into what it is and written back. No I/O.

use serde::Serialize;
use serde_json::{Map, Value, json};

#[cfg(test)]
mod tests;

/// 8 MiB: longest line of either side. A tool may answer with a picture; more than that is a mistake.
pub const LINE_BYTES_MAX: usize = 8 << 20;

/// 64 messages in one batch: a client that has more to say says it in several.
pub const BATCH_MAX: usize = 64;

/// Codes of errors, as JSON-RPC and MCP number them.
pub mod code {
    /// The line is no JSON.
    pub const PARSE: i64 = -32700;
    /// It is JSON, and no message.
    pub const INVALID_REQUEST: i64 = -32600;
    /// Nobody here does this.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// It can't be done with these.
    pub const INVALID_PARAMS: i64 = -32602;
    /// It went wrong here.
    pub const INTERNAL: i64 = -32603;
    /// A header of HTTP says something else than the message.
    pub const HEADER_MISMATCH: i64 = -32020;
    /// A revision of MCP that this side does not speak.
    pub const UNSUPPORTED_VERSION: i64 = -32022;
}

/// The number of a request: a text or a whole number, given back as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id(Value);

impl Id {
    /// A number of our own.
    pub fn of_number(number: u64) -> Self {
        Self(Value::from(number))
    }

    /// Reads one; nothing for what no request may have as its number.
    pub fn read(value: &Value) -> Option<Self> {
        (value.is_string() || value.is_i64() || value.is_u64()).then(|| Self(value.clone()))
    }

    /// As it stands in a message.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// A number of our own, read back.
    pub fn as_number(&self) -> Option<u64> {
        self.0.as_u64()
    }
}

/// What went wrong with a request, in the other side's words or ours.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize)]
#[error("{message}")]
pub struct RpcError {
    /// See [`code`].
    pub code: i64,
    /// For people.
    pub message: String,
    /// What goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Wants an answer.
    Request {
        /// Its number.
        id: Id,
        /// What is to be done.
        method: String,
        /// With what; an empty map where nothing is given.
        params: Map<String, Value>,
    },
    /// Wants none.
    Notification {
        /// What happened.
        method: String,
        /// With what.
        params: Map<String, Value>,
    },
    /// Answers a request.
    Answer {
        /// The request's number.
        id: Id,
        /// What came of it.
        outcome: Result<Value, RpcError>,
    },
}

/// What a line holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// One message.
    One(Result<Message, Box<Flaw>>),
    /// Several, as the revision of March 2025 allows; at least one.
    Batch(Vec<Result<Message, Box<Flaw>>>),
}

/// A line or a part of one that is no message: what is to be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Flaw {
    /// The number it had, if that can be told.
    pub id: Option<Id>,
    /// What is wrong.
    pub error: RpcError,
}

/// Reads a line.
pub fn read(line: &str) -> Line {
    let line = line.trim();
    if line.is_empty() {
        return Line::Blank;
    }
    match serde_json::from_str(line) {
        Err(_) => Line::One(Err(flaw(None, code::PARSE, "the line is no JSON"))),
        Ok(Value::Array(parts)) if parts.is_empty() => {
            Line::One(Err(flaw(None, code::INVALID_REQUEST, "the batch is empty")))
        }
        Ok(Value::Array(parts)) if parts.len() > BATCH_MAX => {
            let why = format!("a batch holds {BATCH_MAX} messages at the most");
            Line::One(Err(flaw(None, code::INVALID_REQUEST, &why)))
        }
        Ok(Value::Array(parts)) => Line::Batch(parts.into_iter().map(message).collect()),
        Ok(value) => Line::One(message(value)),
    }
}

fn flaw(id: Option<Id>, code: i64, message: &str) -> Box<Flaw> {
    Box::new(Flaw { id, error: RpcError::new(code, message) })
}

fn message(value: Value) -> Result<Message, Box<Flaw>> {
    let Value::Object(mut fields) = value else {
        return Err(flaw(None, code::INVALID_REQUEST, "a message is an object"));
    };
    let id = fields.get("id").and_then(Id::read);
    let has_bad_id = id.is_none() && fields.get("id").is_some_and(|id| !id.is_null());
    let bad = |why: &str| Err(flaw(id.clone(), code::INVALID_REQUEST, why));
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return bad("the field `jsonrpc` is not \"2.0\"");
    }
    if has_bad_id {
        return bad("an id is a text or a whole number");
    }
    if let Some(method) = fields.remove("method") {
        let Value::String(method) = method else { return bad("the field `method` is no text") };
        let params = match fields.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(flaw(id, code::INVALID_PARAMS, "params are a map")),
        };
        return Ok(match id {
            Some(id) => Message::Request { id, method, params },
            None => Message::Notification { method, params },
        });
    }
    let outcome = match (fields.remove("result"), fields.remove("error")) {
        (_, Some(error)) if !error.is_null() => Err(read_error(&error)),
        (Some(result), _) => Ok(result),
        _ => return bad("it is neither a request nor an answer"),
    };
    match id {
        Some(id) => Ok(Message::Answer { id, outcome }),
        // An error about a message whose number could not be read: nobody waits for it.
        None => bad("the answer has no id"),
    }
}

fn read_error(error: &Value) -> RpcError {
    RpcError {
        code: error.get("code").and_then(Value::as_i64).unwrap_or(code::INTERNAL),
        message: error.get("message").and_then(Value::as_str).unwrap_or("no reason was given").to_owned(),
        data: error.get("data").cloned(),
    }
}

/// A request as a value.
pub fn request(id: &Id, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.as_value(), "method": method, "params": params })
}

/// A notification as a value; params that are `Null` are left out.
pub fn notification(method: &str, params: Value) -> Value {
    match params {
        Value::Null => json!({ "jsonrpc": "2.0", "method": method }),
        params => json!({ "jsonrpc": "2.0", "method": method, "params": params }),
    }
}

/// A good answer as a value.
pub fn result(id: &Id, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.as_value(), "result": result })
}

/// A bad answer as a value.
pub fn error(id: Option<&Id>, error: &RpcError) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.map(Id::as_value), "error": error })
}
