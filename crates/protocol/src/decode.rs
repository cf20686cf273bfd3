//! The kernel's fast path for what a module sends: the header as texts, everything else as raw bytes.
//!
//! One pass over the line notes where each known field's value lies and checks that the whole is JSON; then only the
//! header fields of the frame's `type` are read. Payloads are slices of the line and never become values, so a large
//! one costs no more than the look for its end.
//!
//! Faults have one fixed text each (see [`Rejected`]); `conformance/vectors` holds every one of them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::door::{LogLevel, TransportKind};

mod context_call;
mod fields;
mod frame;
mod kernel_call;
mod rejected;

pub use context_call::{ContextCall, ContextVerb, key_fault};
#[cfg(feature = "files")]
pub(crate) use kernel_call::refused_segment;
pub use kernel_call::{KernelCall, decode_kernel_call};
#[cfg(feature = "files")]
pub(crate) use kernel_call::{PERMISSION_VALUE_BYTES_MAX, PERMISSION_VALUES_MAX};
pub use rejected::Rejected;

use fields::{Fields, Scan};

#[cfg(test)]
mod tests;

/// 1,024 items: how many entries of one `log-group` are kept; a tree beyond that is not read by anyone.
pub const LOG_GROUP_ITEMS_MAX: usize = 1024;

/// What one line of a module is.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded<'a> {
    /// A message.
    Frame(Frame<'a>),
    /// Not JSON at all, so something the program printed: a log record, never a fault.
    NotJson,
    /// JSON, and no message: dropped with a warning.
    Invalid(Rejected),
}

/// A JSON value as it stands in the line, unread.
///
/// `Debug` shows its length only, because payloads never reach logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The value `null`.
    pub const NULL: Raw<'static> = Raw("null");

    /// The value's JSON text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The value's JSON text as bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// Where the value lies in the line it was decoded from; `None` when it does not come from there.
    pub fn range_in(self, line: &[u8]) -> Option<Range<usize>> {
        let start = (self.0.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
        let end = start.checked_add(self.0.len())?;
        (end <= line.len()).then_some(start..end)
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

impl<'a> From<&'a RawValue> for Raw<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self(value.get())
    }
}

/// One entry of a `log-group`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogItem<'a> {
    /// What.
    pub msg: Cow<'a, str>,
    /// More about it.
    pub data: Option<Raw<'a>>,
}

/// A message of a module. Ids, services, methods and topics are at most 256 UTF-16 units long.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of `door::FromModule`, which describes each")]
pub enum Frame<'a> {
    /// See [`crate::door::FromModule::Ready`].
    Ready { manifest: Option<Raw<'a>>, capabilities: Option<Raw<'a>>, transport: Option<TransportKind> },
    /// A missing or unknown `level` is read as `info` and a `msg` that is no text as its JSON: a log is never lost.
    Log { level: LogLevel, msg: Cow<'a, str>, data: Option<Raw<'a>>, topic: Option<Cow<'a, str>> },
    /// As `Log`; items past [`LOG_GROUP_ITEMS_MAX`] are cut off.
    LogGroup { level: LogLevel, msg: Cow<'a, str>, data: Option<Raw<'a>>, items: Vec<LogItem<'a>> },
    /// See [`crate::door::FromModule::Ack`].
    Ack { id: Cow<'a, str> },
    /// A missing `error` is empty; one that is no text is its JSON.
    Nack { id: Cow<'a, str>, error: Cow<'a, str> },
    /// A missing `payload` is `null`.
    Publish {
        topic: Cow<'a, str>,
        payload: Raw<'a>,
        deadline_ms: Option<u64>,
        traceparent: Option<Cow<'a, str>>,
    },
    /// See [`crate::door::FromModule::Call`]; read `params` with [`decode_kernel_call`].
    Call {
        id: Cow<'a, str>,
        method: Cow<'a, str>,
        params: Option<Raw<'a>>,
        deadline_ms: Option<u64>,
        traceparent: Option<Cow<'a, str>>,
    },
    /// As `RpcResponse`.
    CallResponse { id: Cow<'a, str>, result: Option<Raw<'a>>, error: Option<Cow<'a, str>> },
    /// See [`crate::door::FromModule::Pong`].
    Pong,
    /// See [`crate::door::FromModule::RpcRequest`].
    RpcRequest {
        id: Cow<'a, str>,
        service: Cow<'a, str>,
        method: Cow<'a, str>,
        params: Option<Raw<'a>>,
        deadline_ms: Option<u64>,
        traceparent: Option<Cow<'a, str>>,
    },
    /// An absent `result` is `None`, an explicit `null` is `Some(null)`. An `error` that is absent or `null` is `None`,
    /// one that is no text is its JSON.
    RpcResponse { id: Cow<'a, str>, result: Option<Raw<'a>>, error: Option<Cow<'a, str>> },
    /// See [`crate::door::FromModule::Cancel`].
    Cancel { id: Cow<'a, str> },
    /// `fraction` is held within 0 to 1.
    Progress { id: Cow<'a, str>, fraction: Option<f64>, msg: Option<Cow<'a, str>> },
    /// See [`crate::door::FromModule::Chunk`].
    Chunk { id: Cow<'a, str>, seq: u64, data: Raw<'a> },
    /// See [`crate::door::FromModule::End`].
    End { id: Cow<'a, str> },
    /// See [`crate::door::FromModule::Credit`].
    Credit { id: Cow<'a, str>, n: u64 },
    /// See [`crate::door::FromModule::StateSaved`].
    StateSaved { id: Cow<'a, str>, state: Raw<'a>, version: Cow<'a, str> },
    /// See [`crate::door::FromModule::StateRestored`].
    StateRestored { id: Cow<'a, str> },
}

/// Reads one line as [`crate::lines::LineDecoder`] gives it.
///
/// Never fails and never panics; costs about one pass over the line and allocates only for header texts that hold an
/// escape and for the items of a `log-group`.
pub fn decode(line: &[u8]) -> Decoded<'_> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Decoded::NotJson;
    };
    match Fields::scan(text) {
        Scan::Object(fields) => match Frame::from_fields(&fields) {
            Ok(frame) => Decoded::Frame(frame),
            Err(rejected) => Decoded::Invalid(rejected),
        },
        Scan::OtherJson => Decoded::Invalid(Rejected::NotAnObject),
        Scan::NotJson => Decoded::NotJson,
    }
}
