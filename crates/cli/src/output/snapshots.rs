//! What the verbs of `snapshot` print with `--json`, where it is no answer of the operator door.

use protocol::operator::SnapshotModule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `snapshot list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotRows {
    /// The oldest first.
    pub snapshots: Vec<SnapshotRow>,
}

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRow {
    /// By this it is named; backups and snapshots are counted together.
    pub number: u64,
    /// When it was made.
    pub at_ms: u64,
    /// What a person called it; one with a name is not pruned.
    pub label: Option<String>,
    /// Whose states are in it.
    pub modules: Vec<String>,
    /// How many bytes the states have, as they are kept.
    pub bytes: u64,
}

/// `snapshot show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotShown {
    /// Which.
    pub snapshot: SnapshotRow,
    /// The program that made it.
    pub version: String,
    /// For how long what modules said was held at most, in milliseconds.
    pub pause_ms: u64,
    /// Who was asked, and what came of it.
    pub modules: Vec<SnapshotModule>,
}

/// `snapshot rm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRemoved {
    /// Which.
    pub number: u64,
    /// How many chunks nothing else needed.
    pub chunks_removed: u64,
}
