//! Snapshots: one consistent cut of the states of modules and kernel, and putting it back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be done with snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verb", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum SnapshotVerb {
    /// Ask all modules that can for their states at one moment, and keep them with what the kernel knew then.
    Create {
        /// A name; one with a name is never pruned.
        label: Option<String>,
    },
    /// Put states back: modules that run are started anew with them, the others get them at their next start.
    Restore {
        /// Which snapshot.
        number: u64,
        /// Only these modules; all that are in it when there is none.
        #[serde(default)]
        modules: Vec<String>,
    },
}

/// A snapshot that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotMade {
    /// By this it is named; backups and snapshots are counted together.
    pub number: u64,
    /// When the cut was made.
    pub at_ms: u64,
    /// Its name, if it has one.
    pub label: Option<String>,
    /// For how long what modules said was held at most, in milliseconds.
    pub pause_ms: u64,
    /// What it cost on the disk, in bytes, without its record.
    pub stored_bytes: u64,
    /// The modules that were asked, by name.
    pub modules: Vec<SnapshotModule>,
}

/// One module in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotModule {
    /// Which.
    pub module_id: String,
    /// The number of its life.
    pub life: u64,
    /// How large its state is.
    pub bytes: u64,
    /// Of which form the state is, in the module's words; nothing when there is none.
    pub form: Option<String>,
    /// Why there is no state of it.
    pub why: Option<String>,
}

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRestored {
    /// Of which snapshot.
    pub number: u64,
    /// By name.
    pub modules: Vec<SnapshotBack>,
    /// Whether the context variables are those of the snapshot too: only without a running kernel.
    pub context: bool,
}

/// One module whose state was put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotBack {
    /// Which.
    pub module_id: String,
    /// Whether it was started anew with it; else its next start takes it.
    pub restarted: bool,
    /// Why it is not ready again, if so.
    pub why: Option<String>,
}
