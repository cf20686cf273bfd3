//! What the kernel writes to a module's stdin.

use serde::{Deserialize, Serialize};

use super::{LaneOffer, Opaque, TransportKind, present, transport::known};

/// One line from the kernel to a module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "operator", derive(schemars::JsonSchema))]
#[serde(tag = "type")]
pub enum ToModule {
    /// The first spawn ever of this module; comes before `init`.
    #[serde(rename = "install")]
    Install {},
    /// Right after the spawn.
    #[serde(rename = "init")]
    Init {
        /// The door's version, `major.minor`.
        #[serde(rename = "protocolVersion")]
        protocol_version: String,
        /// The module's own section under its `configKey`, or an empty object.
        config: Opaque,
        /// The home folder.
        #[serde(rename = "workspacePath")]
        workspace_path: String,
        /// The home folder too.
        #[serde(rename = "projectRoot")]
        project_root: String,
        /// A faster way than the pipes; only for modules that asked for it.
        #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
        transport: Option<LaneOffer>,
    },
    /// The last line on the pipe: from now on the kernel's frames come by the lane.
    #[serde(rename = "transport")]
    Transport {
        /// Which way.
        kind: TransportKind,
    },
    /// What the module requires is there: it is `ready` now.
    #[serde(rename = "deps_ready")]
    DepsReady {},
    /// An optional service is up.
    #[serde(rename = "service_available")]
    ServiceAvailable {
        /// Which one.
        service: String,
    },
    /// Are you alive? Answered by `pong`.
    #[serde(rename = "ping")]
    Ping {},
    /// A message on a topic that the module subscribes to.
    #[serde(rename = "deliver")]
    Deliver {
        /// New for each delivery.
        id: String,
        /// The topic.
        topic: String,
        /// What was published.
        #[serde(default)]
        payload: Opaque,
        /// W3C Trace Context; only for modules that asked for `trace`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traceparent: Option<String>,
    },
    /// The module's section changed.
    #[serde(rename = "config:update")]
    ConfigUpdate {
        /// The new section under its `configKey`.
        config: Opaque,
        /// The names of the sections that changed.
        #[serde(rename = "changedSections")]
        changed_sections: Vec<String>,
    },
    /// The kernel calls the module. Answered by `call:response`.
    #[serde(rename = "call")]
    Call {
        /// Names the call in its answer.
        id: String,
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
    /// The answer to the module's own `call`.
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
    /// Another module calls a service of this one. Answered by `rpc_response`.
    #[serde(rename = "rpc_request")]
    RpcRequest {
        /// Names the call in its answer.
        id: String,
        /// The calling module.
        from: String,
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
    /// The answer to the module's own `rpc_request`.
    #[serde(rename = "rpc_response")]
    RpcResponse {
        /// The call's id.
        id: String,
        /// What came of it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        result: Option<Opaque>,
        /// Why nothing came of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Finish, then exit 0.
    #[serde(rename = "shutdown")]
    Shutdown {},
    /// The caller gave up. Answered by an answer with the error `cancelled`.
    #[serde(rename = "cancel")]
    Cancel {
        /// The call given up.
        id: String,
    },
    /// How far a call of this module has come.
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
    /// Give your state. Answered by `state:saved`.
    #[serde(rename = "state:save")]
    StateSave {
        /// Names the request in its answer.
        id: String,
    },
    /// Take over this state. Answered by `state:restored` or `nack`.
    #[serde(rename = "state:restore")]
    StateRestore {
        /// Names the request in its answer.
        id: String,
        /// What the former life saved.
        #[serde(default)]
        state: Opaque,
        /// The version of the module that saved it.
        version: String,
    },
}
