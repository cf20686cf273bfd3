//! The answer of `module.profile`: what a module used and wanted while it was observed, as permissions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a module was held while it was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Held {
    /// As always: what it was not granted was refused.
    Closed,
    /// No file, program or place was refused.
    Open,
}

/// The answer of `module.profile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profiled {
    /// Which module.
    pub module_id: String,
    /// How it was held meanwhile.
    pub held: Held,
    /// For how long it was observed, in milliseconds.
    pub observed_ms: u64,
    /// What it may do now, by kind.
    pub granted: BTreeMap<String, Vec<String>>,
    /// The smallest permissions that hold what it did and wanted, by kind. Kinds that can't be observed (`env`, `sys`,
    /// `context`, `secrets`) are as granted.
    pub needed: BTreeMap<String, Vec<String>>,
    /// System calls that it was refused and that no permission allows.
    pub refused_calls: Vec<String>,
    /// Wants that came after as many as are kept.
    pub left_out: u64,
    /// How it was when the observation ended: a word of `module.status`.
    pub status: String,
    /// The `module.json` whose `permissions` ask for what it may do; none for a module of a project file.
    pub file: Option<String>,
}
