//! What `restart history` and `restart plan` print with `--json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `restart history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestartHistory {
    /// The oldest first.
    pub restarts: Vec<PastRestart>,
}

/// One restart, as the journal tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastRestart {
    /// Which module.
    pub module_id: String,
    /// When its last life began to end.
    pub at_ms: u64,
    /// Why: how it ended by itself, the reason for which it was ended, or the plan that wanted it.
    pub cause: String,
    /// From then until it was ready again, or had failed; nothing while it is on its way.
    pub took_ms: Option<u64>,
    /// `ready`, `failed` or `starting`.
    pub result: String,
    /// The life that came of it.
    pub generation: Option<u64>,
}

/// `restart plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestartImpact {
    /// The module that would be restarted.
    pub module_id: String,
    /// The services that are gone meanwhile.
    pub services: Vec<String>,
    /// How long its restarts took, the middle one of those in the journal; nothing if there was none.
    pub usual_ms: Option<u64>,
    /// The longest of them.
    pub longest_ms: Option<u64>,
    /// How many of them there are.
    pub samples: u64,
    /// Who loses something, those who can't work without it first.
    pub affected: Vec<AffectedModule>,
    /// The modules that the kernel would restart with it, in their order.
    pub restarted_with_it: Vec<String>,
}

/// A module that loses something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedModule {
    /// Which.
    pub module_id: String,
    /// `requires`: it can't work without; `needs`: it is started after; `may_call`: it may call it; `through`: it can't work
    /// without one of these.
    pub how: String,
    /// Which services, or through which module.
    pub what: Vec<String>,
}
