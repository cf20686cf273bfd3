//! What the verbs about keys, packages and updates print with `--json`.

use std::collections::BTreeMap;

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

/// `update verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PackageVerified {
    /// The package's file.
    pub file: String,
    /// Whose package it is.
    pub module_id: String,
    /// Which version.
    pub version: String,
    /// Who vouches for it.
    pub maker: String,
    /// The keys behind that word, shortened, and how many of them have to sign.
    pub keys: String,
    /// How many files are in it, each compared with both of its hashes.
    pub files: u64,
    /// Bytes of these files.
    pub unpacked_bytes: u64,
    /// Bytes of the package.
    pub bytes: u64,
}

/// A module that notices an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AffectedRow {
    /// Which one.
    pub module_id: String,
    /// The services that it calls of the module that changes.
    pub services: Vec<String>,
}

/// A sentence with its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodedSentence {
    /// What kind of thing it is.
    pub code: String,
    /// The sentence.
    pub text: String,
}

/// `update plan`, `update apply --dry-run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdatePlan {
    /// Who vouches for the package, and whether every file in it is what it says.
    pub package: PackageVerified,
    /// The version now; nothing for a module that is new.
    pub from: Option<String>,
    /// How it would become new: `hot`, `staged` or `restart`.
    pub strategy: String,
    /// Files that are new.
    pub added: Vec<String>,
    /// Files with other bytes.
    pub changed: Vec<String>,
    /// Files that would be gone.
    pub removed: Vec<String>,
    /// How many files stay as they are.
    pub same: u64,
    /// Bytes of what is new or changed.
    pub changed_bytes: u64,
    /// What it asks for that the version now does not, by kind.
    pub asks: BTreeMap<String, Vec<String>>,
    /// What the version now asks for and this one does not, by kind.
    pub leaves: BTreeMap<String, Vec<String>>,
    /// Who calls it.
    pub affected: Vec<AffectedRow>,
    /// How long they are expected to wait, in milliseconds.
    pub pause_ms: u64,
    /// Keys of its state that are kept before.
    pub keeps: Vec<String>,
    /// What a person has to agree to.
    pub doubts: Vec<CodedSentence>,
    /// Why it can't be done; with none of these it can.
    pub obstacles: Vec<CodedSentence>,
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
