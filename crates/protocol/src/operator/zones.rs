//! What the operator door says about zones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A zone that operators may begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneName {
    /// What is new or not trusted.
    Sandbox,
    /// What is relied upon.
    Stable,
}

/// How far a module is from moving to the stable zone by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbationStatus {
    /// For how many milliseconds nothing has been held against it; 0 when it is not ready.
    pub well_ms: u64,
    /// For how many that has to be so.
    pub wanted_ms: u64,
    /// What is still missing, as a sentence; empty when nothing is.
    pub lacks: String,
}
