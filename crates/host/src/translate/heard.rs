//! From a module's line to what the kernel or the log is told. Payloads are slices of the read buffer, names are a few
//! bytes in the value; nothing is parsed further, and nothing is allocated for what lies in the buffer.

use std::sync::Arc;

use abi::Payload;
use kernel::{CallContext, ContextCall, ContextVerb, FunctionCall, Incoming, KernelCall, Outcome, Word};
use protocol::decode::{self, Decoded, Frame, LogItem, Raw, decode_kernel_call};
use protocol::door::TransportKind;
use store::{LogLine, Source};

use super::values::log_level;

/// What a line came to.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It is ready, and how its frames come from now on, if not as before.
    Ready(Option<TransportKind>),
    /// Anything else that the kernel decides about.
    Incoming(Incoming),
    /// Something for the module's log: one line, or a group with its heading first.
    Said(Vec<LogLine>),
    /// Not JSON: something that the program printed.
    Printed,
    /// A frame that breaks the door's rules, with the reason.
    Refused(String),
}

/// Reads one line of the module door. What lies in the sheet that it was read into is shared with it, the rest copied.
pub(crate) fn hear(line: &[u8], sheet: &Sheet) -> Heard {
    match decode::decode(line) {
        Decoded::Frame(frame) => frame_heard(frame, sheet).unwrap_or_else(|| {
            // The decoder bounds every name, so this is a line that its own checks let through.
            Heard::Refused("a name is longer than the door allows".to_owned())
        }),
        Decoded::NotJson => Heard::Printed,
        Decoded::Invalid(rejected) => Heard::Refused(rejected.to_string()),
    }
}

/// A read buffer, shared with the payloads that lie in it.
pub(crate) type Sheet = Arc<[u8]>;

fn frame_heard(frame: Frame<'_>, sheet: &Sheet) -> Option<Heard> {
    let payload = |raw: Raw<'_>| payload(raw, sheet);
    Some(Heard::Incoming(match frame {
        Frame::RpcRequest { id, service, method, params, deadline_ms, traceparent } => Incoming::Call {
            id: name(&id)?,
            service: name(&service)?,
            method: name(&method)?,
            params: params.map(payload),
            context: context(deadline_ms, traceparent.as_deref()),
        },
        Frame::RpcResponse { id, result, error } => {
            Incoming::Answer { id: name(&id)?, outcome: outcome(result.map(payload), error.as_deref()) }
        }
        Frame::Publish { topic, payload: sent, deadline_ms, traceparent } => Incoming::Publish {
            topic: name(&topic)?,
            payload: payload(sent),
            context: context(deadline_ms, traceparent.as_deref()),
        },
        Frame::Call { id, method, params, .. } => {
            Incoming::KernelCall { id: name(&id)?, call: kernel_call(decode_kernel_call(&method, params))? }
        }
        Frame::CallResponse { id, .. } => Incoming::KernelAnswer { id: name(&id)? },
        Frame::Pong => Incoming::Pong,
        Frame::Ready { transport, .. } => return Some(Heard::Ready(transport)),
        Frame::Ack { .. } => Incoming::Ack,
        Frame::Nack { id, error } => Incoming::Nack { id: name(&id)?, error: error.into_owned() },
        Frame::Cancel { id } => Incoming::Cancel { id: name(&id)? },
        Frame::Progress { id, fraction, msg } => {
            Incoming::Progress { id: name(&id)?, payload: progress(fraction, msg.as_deref()) }
        }
        Frame::Chunk { id, seq, data } => Incoming::Chunk { id: name(&id)?, seq, data: payload(data) },
        Frame::End { id } => Incoming::End { id: name(&id)? },
        Frame::Credit { id, n } => {
            Incoming::Credit { id: name(&id)?, parts: u32::try_from(n).unwrap_or(u32::MAX) }
        }
        Frame::Log { level, msg, data, topic } => {
            let mut line = LogLine::new(log_level(level), Source::Log, msg);
            line.data = data.map(|data| data.as_str().to_owned());
            line.topic = topic.map(std::borrow::Cow::into_owned);
            return Some(Heard::Said(vec![line]));
        }
        Frame::LogGroup { level, msg, data, items } => {
            let mut heading = LogLine::new(log_level(level), Source::Log, msg);
            heading.data = data.map(|data| data.as_str().to_owned());
            let mut lines = vec![heading];
            lines.extend(items.into_iter().map(|item| group_line(level, item)));
            return Some(Heard::Said(lines));
        }
        Frame::StateSaved { id, state, version } => Incoming::StateSaved {
            id: name(&id)?,
            // It may be kept for as long as the other life starts, so it does not keep the read buffer with it.
            state: Payload::new(state.as_bytes()),
            version: name(&version)?,
        },
        Frame::StateRestored { id } => Incoming::StateRestored { id: name(&id)? },
    }))
}

/// A group is shown as a tree, so its items stand below their heading.
fn group_line(level: protocol::door::LogLevel, item: LogItem<'_>) -> LogLine {
    let mut line = LogLine::new(log_level(level), Source::Log, format!("  {}", item.msg));
    line.data = item.data.map(|data| data.as_str().to_owned());
    line
}

fn name(text: &str) -> Option<Word> {
    Word::parse(text).ok()
}

fn payload(raw: Raw<'_>, sheet: &Sheet) -> Payload {
    match raw.range_in(sheet) {
        Some(range) => Payload::slice(sheet, range),
        // The line began in an earlier piece, so that it lies elsewhere.
        None => Payload::new(raw.as_bytes()),
    }
}

fn context(deadline_ms: Option<u64>, traceparent: Option<&str>) -> CallContext {
    CallContext { deadline_ms, traceparent: traceparent.and_then(name) }
}

fn outcome(result: Option<Payload>, error: Option<&str>) -> Outcome {
    match error {
        Some(error) => Outcome::Error(error.to_owned()),
        None => Outcome::Result(result),
    }
}

/// What a progress frame holds beside its id, as the kernel carries it: opaque to it, read again by `told`.
fn progress(fraction: Option<f64>, msg: Option<&str>) -> Payload {
    let members = serde_json::json!({ "fraction": fraction, "msg": msg });
    Payload::new(members.to_string().as_bytes())
}

pub(crate) fn kernel_call(call: decode::KernelCall<'_>) -> Option<KernelCall> {
    use decode::KernelCall as Wire;
    Some(match call {
        Wire::ConfigGet { key } => KernelCall::ConfigGet(name(&key)?),
        // It waits for a slow disk, so it does not keep the read buffer for that long.
        Wire::ConfigSet { key, value } => KernelCall::ConfigSet(name(&key)?, Payload::new(value.as_bytes())),
        Wire::ConfigSections => KernelCall::ConfigSections,
        Wire::ModuleList => KernelCall::ModuleList,
        Wire::ModuleCommands => KernelCall::ModuleCommands,
        Wire::ServiceDiscover => KernelCall::ServiceDiscover,
        Wire::ServiceResolve { service } => KernelCall::ServiceResolve(name(&service)?),
        Wire::PermissionsCheck { permissions } => KernelCall::PermissionsCheck(permissions),
        Wire::PermissionsRequest { permissions, reason } => {
            KernelCall::PermissionsRequest(permissions, reason.map(std::borrow::Cow::into_owned))
        }
        Wire::PermissionsPending => KernelCall::PermissionsPending,
        Wire::MonitorSnapshot => KernelCall::MonitorSnapshot,
        Wire::Context(call) => KernelCall::Context(context_call(call)?),
        Wire::SecretGet { name: secret } => KernelCall::SecretGet(name(&secret)?),
        Wire::FunctionRun { name: function, input, timeout_ms } => {
            let input = input.map(|input| Payload::new(input.as_bytes()));
            KernelCall::Function(FunctionCall::Run { name: name(&function)?, input, timeout_ms })
        }
        Wire::FunctionList => KernelCall::Function(FunctionCall::List),
        Wire::FunctionPut { name: function, source, permissions } => {
            let source = Payload::new(source.as_bytes());
            KernelCall::Function(FunctionCall::Put { name: name(&function)?, source, permissions })
        }
        Wire::FunctionRemove { name: function } => {
            KernelCall::Function(FunctionCall::Remove { name: name(&function)? })
        }
        Wire::Unknown(method) => KernelCall::Unknown(name(method)?),
        Wire::Bad { message, .. } => KernelCall::Bad(message),
    })
}

fn context_call(call: decode::ContextCall<'_>) -> Option<ContextCall> {
    use decode::ContextVerb as Wire;
    let verb = match call.verb {
        Wire::Get { key } => ContextVerb::Get(name(&key)?),
        // It is kept for long, so it does not keep the read buffer with it.
        Wire::Set { key, value, ttl_ms } => {
            ContextVerb::Set { key: name(&key)?, value: Payload::new(value.as_bytes()), ttl_ms }
        }
        Wire::Delete { key } => ContextVerb::Delete(name(&key)?),
        Wire::List { pattern } => ContextVerb::List(pattern),
        Wire::Watch { pattern } => ContextVerb::Watch(pattern),
        Wire::Unwatch { watch } => ContextVerb::Unwatch(watch),
    };
    Some(ContextCall { scope: call.scope, verb })
}
