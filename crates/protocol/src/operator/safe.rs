//! Safe mode, as it is shown and answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Safe mode: no module's code runs but the system's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SafeMode {
    /// Why it was entered.
    pub why: String,
    /// When it is left.
    pub until: String,
}

/// The answer of `kernel.safe-mode`, `kernel.resume` and `zone.promote`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Safe {
    /// Whether it was so already.
    pub already: bool,
}
