//! The journal as operators read it: which records they want, and a page of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which records of the journal are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalRequest {
    /// Only about this module.
    pub module: Option<String>,
    /// Only this code; one that ends in a dot stands for its area.
    pub code: Option<String>,
    /// Only what comes before this `seq`.
    pub before: Option<u64>,
    /// The last this many; 50 when left out, 10,000 at the most.
    pub limit: Option<u32>,
}

/// The answer of `journal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalPage {
    /// Oldest first.
    pub records: Vec<JournalRow>,
    /// Numbers of records that can't be read.
    pub damaged: Vec<u64>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalRow {
    /// Its place in the journal; 0 for one that is not written yet.
    pub seq: u64,
    /// When.
    pub ts_ms: u64,
    /// What, as `area.thing`.
    pub code: String,
    /// About whom.
    pub module_id: Option<String>,
    /// About which life.
    pub generation: Option<u64>,
    /// The values that made the decision.
    pub facts: serde_json::Map<String, Value>,
}
