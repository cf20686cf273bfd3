//! What can go wrong between modules, by whose fault it is.

use std::fmt;

use crate::limits;

/// Why a handler gives no result: the text that its caller gets.
///
/// Every error becomes one with `?`. Like `anyhow::Error` it is not itself an error, which is what allows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self(text)
    }
}

/// Why something could not be said to the kernel. Our own side's fault.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A service, method or topic is longer than the door allows.
    #[error("{what} exceeds {} chars ({units})", limits::NAME_UNITS_MAX)]
    NameTooLong {
        /// Which name.
        what: &'static str,
        /// Its length in UTF-16 units.
        units: usize,
    },
    /// The line would be longer than the kernel takes.
    #[error("a line of {bytes} bytes exceeds the limit of {}", limits::LINE_BYTES_MAX)]
    LineTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The value has no form in JSON.
    #[error("the value cannot be written as JSON")]
    NotJson(#[source] serde_json::Error),
}

/// Why a call brought no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The answer was an error: the other module's own, or the kernel's, such as `service_not_found` or `forbidden`.
    #[error("{0}")]
    Answered(String),
    /// No answer within the deadline.
    #[error("timeout")]
    TimedOut,
    /// It was given up, by this side or by the other.
    #[error("cancelled")]
    Cancelled,
    /// The kernel is gone, or this module is shutting down.
    #[error("shutting down")]
    Disconnected,
    /// A handler that runs on the reading thread waited for an answer, which only that thread could bring.
    #[error("a handler on the reading thread cannot wait: use `Handlers::Threads`")]
    OnReadingThread,
    /// It was never sent.
    #[error("the call could not be sent")]
    NotSent(#[from] SendError),
}

impl CallError {
    /// The error that these words on the wire mean.
    pub(crate) fn from_wire(error: String) -> Self {
        match error.as_str() {
            "timeout" | "deadline_exceeded" => Self::TimedOut,
            "cancelled" => Self::Cancelled,
            _ => Self::Answered(error),
        }
    }
}
