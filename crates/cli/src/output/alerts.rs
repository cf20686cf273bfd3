//! What `alert` prints with `--json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that is at a level of a rule now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FiringRow {
    /// Which rule.
    pub rule: String,
    /// Which module; empty for the kernel.
    pub subject: String,
    /// `warning` or `critical`; `resolved` while it is not well for long enough.
    pub level: String,
    /// What was measured.
    pub value: f64,
    /// Since when.
    pub since_ms: u64,
    /// Whether somebody was told.
    pub told: bool,
    /// Whether it is silenced.
    pub silenced: bool,
}

/// `alert silence`, and a row of `alert list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertSilence {
    /// Its number.
    pub id: u64,
    /// Only this rule; all when left out.
    pub rule: Option<String>,
    /// Only this module; all when left out.
    pub module: Option<String>,
    /// When it ends.
    pub until_ms: u64,
    /// Why.
    pub why: String,
}

/// How one output does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertOutput {
    /// Its name.
    pub name: String,
    /// `webhook` or `mail`.
    pub kind: String,
    /// How much it was told.
    pub told: u64,
    /// How much it could not be told.
    pub lost: u64,
    /// Why it could not be told the last time.
    pub error: Option<String>,
}

/// `alert list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertTable {
    /// What fires, the worst first.
    pub firing: Vec<FiringRow>,
    /// For whom nobody is told.
    pub silences: Vec<AlertSilence>,
    /// The rules that hold, as the configuration has them.
    pub rules: Vec<Value>,
    /// Who is told.
    pub outputs: Vec<AlertOutput>,
    /// What was told last, the newest first.
    pub told: Vec<Value>,
    /// What is wrong with the configuration of alerts; then the one before it holds.
    pub trouble: Option<String>,
}

/// How the test of one output ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputTested {
    /// Its name.
    pub name: String,
    /// Why it could not be told; nothing when it was.
    pub error: Option<String>,
}

/// `alert test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertTested {
    /// Each output that was to be told.
    pub outputs: Vec<OutputTested>,
}

/// `alert unsilence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertUnsilenced {
    /// The silence that ended.
    pub id: u64,
}
