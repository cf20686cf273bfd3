//! How both sides agree on a faster way than the pipes.
//!
//! The kernel offers a lane in `init`, to a module whose `module.json` asks for one. A module that can use it says so in
//! its `ready`, the last line that it writes to its pipe; the kernel's last line is `transport`. A module that says nothing
//! stays on its pipes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The ways on which frames can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "operator", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// Two rings in shared memory.
    Shm,
}

impl TransportKind {
    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shm => "shm",
        }
    }
}

/// A lane that the kernel has made for this life of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "operator", derive(schemars::JsonSchema))]
pub struct LaneOffer {
    /// What it is.
    pub kind: TransportKind,
    /// The number of the descriptor that the module was started with.
    pub fd: i32,
    /// The length of each ring, in bytes.
    pub bytes: u32,
    /// Which layout the memory has.
    pub layout: u32,
}

/// An offer or an answer that this side does not know is none, and no reason to refuse the whole message.
pub(super) fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}
