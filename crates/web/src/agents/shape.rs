//! What a body holds, as far as HTTP has to know it: which answers are expected, which era it is of, and whether its headers
//! say the same.

use axum::http::HeaderMap;
use mcp::revision::META_VERSION;
use mcp::rpc::{BATCH_MAX, Id, RpcError, code};
use serde_json::Value;

/// The messages of one body.
#[derive(Debug)]
pub(super) struct Shape {
    messages: Vec<Value>,
    /// The numbers of its requests: what has to be answered.
    pub(super) expected: Vec<Value>,
    is_batch: bool,
}

impl Shape {
    /// # Errors
    /// It is no JSON, or more than may come at once.
    pub(super) fn of(text: &str) -> Result<Self, RpcError> {
        let value =
            serde_json::from_str(text).map_err(|_| RpcError::new(code::PARSE, "the body is no JSON"))?;
        let (messages, is_batch) = match value {
            Value::Array(messages) => (messages, true),
            message => (vec![message], false),
        };
        if messages.len() > BATCH_MAX {
            let why = format!("a batch holds {BATCH_MAX} messages at the most");
            return Err(RpcError::new(code::INVALID_REQUEST, why));
        }
        let asks = |message: &&Value| message.get("method").is_some_and(Value::is_string);
        let ids = messages.iter().filter(asks).filter_map(|message| Id::read(message.get("id")?));
        let expected = ids.map(|id| id.as_value().clone()).collect();
        Ok(Self { messages, expected, is_batch })
    }

    fn method(&self) -> Option<&str> {
        match self.messages.as_slice() {
            [one] if !self.is_batch => one.get("method")?.as_str(),
            _ => None,
        }
    }

    pub(super) fn is_initialize(&self) -> bool {
        self.method() == Some("initialize") && !self.expected.is_empty()
    }

    /// Whether one of the messages says for itself which revision it is of.
    pub(super) fn is_stateless(&self) -> bool {
        self.messages.iter().any(|message| revision(message).is_some())
    }

    /// Whether a message that stands for itself is one, and its headers say what it says.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn fits(&self, headers: &HeaderMap, version: Option<&str>) -> Result<(), RpcError> {
        let [message] = self.messages.as_slice() else {
            return Err(RpcError::new(code::INVALID_REQUEST, "this revision of MCP has no batches"));
        };
        let Some(method) = self.method() else {
            return Err(RpcError::new(code::INVALID_REQUEST, "it is neither a request nor a notification"));
        };
        // What wants no answer is not acted upon, and may say less.
        if self.expected.is_empty() {
            return Ok(());
        }
        let Some(revision) = revision(message) else {
            return Err(RpcError::new(
                code::INVALID_PARAMS,
                format!("there is no `{META_VERSION}` in `_meta`"),
            ));
        };
        same("MCP-Protocol-Version", version, revision)?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        same("Mcp-Method", text("mcp-method"), method)?;
        if method == "tools/call" {
            // None of our tools has a name that would have to be written in another way.
            let tool = message.get("params").and_then(|params| params.get("name")).and_then(Value::as_str);
            same("Mcp-Name", text("mcp-name"), tool.unwrap_or_default())?;
        }
        Ok(())
    }
}

fn revision(message: &Value) -> Option<&str> {
    message.get("params")?.get("_meta")?.get(META_VERSION)?.as_str()
}

fn same(name: &str, header: Option<&str>, message: &str) -> Result<(), RpcError> {
    if header == Some(message) {
        return Ok(());
    }
    Err(RpcError::new(
        code::HEADER_MISMATCH,
        format!("the header `{name}` does not say what the message says"),
    ))
}
