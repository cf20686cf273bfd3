//! What the verbs about keys, packages and updates print with `--json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `module pack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Packed {
    /// Whose package it is.
    pub module_id: String,
    /// Which version.
    pub version: String,
    /// Where it was written.
    pub file: String,
    /// How many files are in it.
    pub files: u64,
    /// Bytes of these files.
    pub unpacked_bytes: u64,
    /// Bytes of the package.
    pub bytes: u64,
}

/// `key generate`, `key rotate`, `key revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyChanged {
    /// `generated`, `rotated` or `revoked`.
    pub what: String,
    /// The key as it was named.
    pub name: String,
    /// Its public half, 64 hex digits.
    pub key: String,
    /// The roles that it holds now.
    pub roles: Vec<String>,
}

/// `key trust`, `key distrust`, `key root`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MakerChanged {
    /// `trusted`, `distrusted` or `root`.
    pub what: String,
    /// The maker's name here; for `root` the file that was written.
    pub maker: String,
}

/// One key that signs, or may sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRow {
    /// Its name here; nothing when its private half is elsewhere.
    pub name: Option<String>,
    /// Its public half, 64 hex digits.
    pub key: String,
    /// The roles that it holds: root, targets, snapshot, timestamp.
    pub roles: Vec<String>,
}

/// One maker whose packages are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustedMaker {
    /// Its name here.
    pub maker: String,
    /// Modules that it may vouch for; empty for all.
    pub modules: Vec<String>,
    /// The version of its root that is trusted.
    pub root: u64,
    /// Public keys that may vouch for packages.
    pub keys: Vec<String>,
    /// How many of them have to.
    pub threshold: u64,
}

/// `key list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRows {
    /// Keys of this workshop.
    pub keys: Vec<KeyRow>,
    /// Makers that are trusted.
    pub makers: Vec<TrustedMaker>,
}

/// `update pin`, `update unpin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pinned {
    /// The name.
    pub name: String,
}

/// `self-update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelfUpdated {
    /// The version that ran.
    pub from: String,
    /// The version that was to take over.
    pub to: String,
    /// That binary's SHA-256, in hex.
    pub hash: String,
    /// Whether it did.
    pub took_over: bool,
    /// Why it did not; else empty.
    pub why: String,
    /// For how long no module was heard, in milliseconds.
    pub pause_ms: Option<u64>,
    /// How many modules ran on through it.
    pub modules: u32,
    /// Modules that were started again.
    pub restarts: Vec<String>,
}
