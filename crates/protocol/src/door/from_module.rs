//! What a module writes to its stdout.

use serde::{Deserialize, Serialize};

use super::{LogLevel, Opaque, TransportKind, present, transport::known};

/// One line from a module to the kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "operator", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum FromModule {
    /// The module has initialised itself.
    #[serde(rename = "ready")]
    Ready {
        /// Ignored for decisions: the file on disk counts.
        #[serde(default)]
        manifest: Opaque,
        /// Ignored for decisions: the stored approvals count.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        capabilities: Option<Opaque>,
        /// The module has taken the offer of `init`: this is its last line on the pipe.
        #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
        transport: Option<TransportKind>,
    },
    /// A log record.
    #[serde(rename = "log")]
    Log {
        /// How urgent.
        level: LogLevel,
        /// What.
        msg: String,
        /// More about it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        data: Option<Opaque>,
        /// A word to sort by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
    },
    /// Several records under one heading, shown as a tree.
    #[serde(rename = "log-group")]
    LogGroup {
        /// How urgent.
        level: LogLevel,
        /// The heading.
        msg: String,
        /// More about it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        data: Option<Opaque>,
        /// What stands under the heading.
        items: Vec<LogItem>,
    },
    /// A delivery was dealt with. Information only.
    #[serde(rename = "ack")]
    Ack {
        /// The delivery.
        id: String,
    },
    /// A delivery could not be dealt with; with the id `init`, the module's initialisation failed.
    #[serde(rename = "nack")]
    Nack {
        /// The delivery, or `init`.
        id: String,
        /// Why.
        #[serde(default)]
        error: String,
    },
    /// A message for a topic's subscribers.
    #[serde(rename = "publish")]
    Publish {
        /// The topic.
        topic: String,
        /// The message.
        #[serde(default)]
        payload: Opaque,
        /// How long the message is worth delivering, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
        /// W3C Trace Context.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traceparent: Option<String>,
    },
    /// The module calls the kernel. Answered by `call:response`.
    #[serde(rename = "call")]
    Call {
        /// Names the call in its answer.
        id: String,
        /// A method of the kernel API.
        method: String,
        /// With what.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        params: Option<Opaque>,
        /// How long the caller waits, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
        /// W3C Trace Context.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traceparent: Option<String>,
    },
    /// The answer to the kernel's `call`.
    #[serde(rename = "call:response")]
    CallResponse {
        /// The call's id.
        id: String,
        /// What came of it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        result: Option<Opaque>,
        /// Why nothing came of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Alive. Answers all outstanding pings.
    #[serde(rename = "pong")]
    Pong {},
    /// The module calls a service of another one. Answered by `rpc_response`.
    #[serde(rename = "rpc_request")]
    RpcRequest {
        /// The caller's own name for the call.
        id: String,
        /// The service.
        service: String,
        /// What to do.
        method: String,
        /// With what.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        params: Option<Opaque>,
        /// How long the caller waits, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline_ms: Option<u64>,
        /// W3C Trace Context.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traceparent: Option<String>,
    },
    /// The answer to an `rpc_request` that the kernel forwarded.
    #[serde(rename = "rpc_response")]
    RpcResponse {
        /// The call's id, as it came.
        id: String,
        /// What came of it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        result: Option<Opaque>,
        /// Why nothing came of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// The module gives up a call of its own.
    #[serde(rename = "cancel")]
    Cancel {
        /// The call given up.
        id: String,
    },
    /// How far the module has come with a call.
    #[serde(rename = "progress")]
    Progress {
        /// The call.
        id: String,
        /// 0 to 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
        /// What is being done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        msg: Option<String>,
    },
    /// One piece of a streamed result.
    #[serde(rename = "chunk")]
    Chunk {
        /// The call.
        id: String,
        /// The piece's number, from 0.
        seq: u64,
        /// The piece.
        #[serde(default)]
        data: Opaque,
    },
    /// The last piece was sent.
    #[serde(rename = "end")]
    End {
        /// The call.
        id: String,
    },
    /// So many more pieces may be sent.
    #[serde(rename = "credit")]
    Credit {
        /// The call.
        id: String,
        /// How many.
        n: u64,
    },
    /// The module's state, as asked for by `state:save`.
    #[serde(rename = "state:saved")]
    StateSaved {
        /// The request's id.
        id: String,
        /// What the next life needs to go on.
        #[serde(default)]
        state: Opaque,
        /// The version of the module that saved it.
        version: String,
    },
    /// The state was taken over.
    #[serde(rename = "state:restored")]
    StateRestored {
        /// The request's id.
        id: String,
    },
}

/// One entry of a `log-group`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "operator", derive(schemars::JsonSchema))]
pub struct LogItem {
    /// What.
    pub msg: String,
    /// More about it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub data: Option<Opaque>,
}
