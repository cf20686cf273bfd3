//! What the operator door says about the kernel's own binary: what takes over, what is kept, how it went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What another binary would do, or is about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfUpdatePlan {
    /// The version that runs.
    pub from: String,
    /// The version that takes over.
    pub to: String,
    /// The new binary's SHA-256, in hex.
    pub hash: String,
    /// Its length.
    pub bytes: u64,
    /// Whether it is the very binary that runs.
    pub is_same: bool,
    /// How many modules run on through it.
    pub modules: u32,
    /// Modules that can't be handed over and are started again.
    pub restarts: Vec<String>,
}

/// One of the kernel's own binaries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfBinary {
    /// What it calls itself.
    pub version: String,
    /// Its SHA-256, in hex.
    pub hash: String,
    /// Where it lies.
    pub path: String,
    /// Whether it is the one that runs.
    pub runs: bool,
}

/// How the last change of binaries ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfLast {
    /// The binary that was to take over.
    pub hash: String,
    /// What it calls itself.
    pub version: String,
    /// Whether it did.
    pub took_over: bool,
    /// Why it did not, or did not stay; else empty.
    pub why: String,
    /// For how long no module was heard, in milliseconds.
    pub pause_ms: Option<u64>,
    /// How many modules ran on through it.
    pub modules: u32,
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
}

/// The kernel's own binaries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfVersions {
    /// The one that takes the installed one's place; nothing when that runs itself.
    pub active: Option<SelfBinary>,
    /// The one that is gone back to.
    pub fallback: Option<SelfBinary>,
    /// Whether the active one has come to rest since it was tried first.
    pub is_at_rest: bool,
    /// How the last change ended.
    pub last: Option<SelfLast>,
}
