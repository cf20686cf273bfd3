//! The module door's wire types, owned: what an SDK, a test or a schema needs.
//!
//! One enum per direction, tagged by `type`. The kernel's own path does not use them: it reads with [`crate::decode`]
//! and writes with [`crate::encode`], which never turn a payload into values. A test holds the two together.
//! Unknown fields are ignored everywhere, so that either side may be newer than the other.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

mod from_module;
mod to_module;
mod transport;

pub use from_module::{FromModule, LogItem};
pub use to_module::ToModule;
pub use transport::{LaneOffer, TransportKind};

#[cfg(test)]
mod tests;

/// The version of the door that this crate speaks.
pub const PROTOCOL_VERSION: &str = "1.0";

/// The `nack` id by which a module says that its initialisation failed.
pub const INIT_ID: &str = "init";

/// How urgent a log record is, in the door's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "operator", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What happened.
    Info,
    /// Handled, worth a look.
    Warn,
    /// Someone must act.
    Error,
    /// The module cannot go on.
    Fatal,
}

impl LogLevel {
    /// All levels, from the least urgent.
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// The level's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The level with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Any JSON value that belongs to the modules and not to the kernel.
///
/// `Debug` shows its kind only, because payloads never reach logs.
#[derive(Clone, PartialEq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "operator", derive(schemars::JsonSchema))]
#[serde(transparent)]
#[cfg_attr(feature = "operator", schemars(transparent))]
pub struct Opaque(pub Value);

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        };
        write!(f, "Opaque({kind})")
    }
}

impl From<Value> for Opaque {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

/// Reads a field so that an explicit `null` stays distinct from an absent field.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Opaque>, D::Error> {
    Opaque::deserialize(deserializer).map(Some)
}
