//! What the operator door says about updates: versions in slots, transactions on their way and ended.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a module becomes new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpdateWay {
    /// Now, new beside old, where the module can; else as `restart`.
    Hot,
    /// At the kernel's next start, or when somebody says `go`.
    Staged,
    /// Now, by stopping and starting it.
    Restart,
}

/// What is to be done with versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verb", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum UpdateVerb {
    /// Verify packages and tell what they would change; nothing is changed.
    Plan {
        /// The package, an absolute path.
        file: String,
        /// Further packages of the same transaction: the answer is a `TransactionPlan` then.
        #[serde(default)]
        also: Vec<String>,
        /// How; as the module says when left out.
        way: Option<UpdateWay>,
    },
    /// Verify packages, stage them, and make their modules new: all of them, or none.
    Apply {
        /// The package, an absolute path.
        file: String,
        /// Further packages of the same transaction.
        #[serde(default)]
        also: Vec<String>,
        /// How; as the module says when left out.
        way: Option<UpdateWay>,
        /// Approve what it asks for.
        #[serde(default)]
        approve: bool,
    },
    /// Go on with a transaction that waits.
    Go {
        /// Which.
        transaction: u64,
        /// Approve what it asks for.
        #[serde(default)]
        approve: bool,
    },
    /// Go back to the version before.
    RollBack {
        /// Which module.
        module_id: String,
    },
    /// The versions of every module.
    List {},
    /// Transactions on their way.
    Status {},
    /// Transactions that ended.
    History {},
    /// Keep a module's active version under a name, whatever comes after it.
    Pin {
        /// Which module.
        module_id: String,
        /// The name.
        name: String,
    },
    /// Keep it no longer.
    Unpin {
        /// The name.
        name: String,
    },
    /// Remove what no slot, pin or transaction needs.
    Gc {},
    /// Put another binary into the kernel's own place while modules run on.
    Own {
        /// The binary, an absolute path; the earlier one when left out.
        file: Option<String>,
        /// Only verify it and say what would be.
        #[serde(default)]
        dry_run: bool,
        /// Modules that can't be handed over may be started again.
        #[serde(default)]
        allow_restarts: bool,
    },
    /// The kernel's own binaries.
    OwnList {},
}

/// How far a transaction is, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdatePhase {
    /// Its files are in the depot.
    Staged,
    /// They are what they should be, and vouched for.
    Verified,
    /// Its version is the active one, on probation.
    Tried,
    /// Its version stays.
    Committed,
    /// The version before it is active again, or still.
    RolledBack,
}

/// The answer of `apply`, `go` and `roll-back`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateDone {
    /// The transaction.
    pub transaction: u64,
    /// Which module; of several, the first by name.
    pub module_id: String,
    /// The version before; nothing for a module that is new.
    pub from: Option<String>,
    /// The version that the transaction brings.
    pub to: String,
    /// How far it is.
    pub phase: UpdatePhase,
    /// What it asks for that is not approved, by kind: with any of it, it waits.
    pub asks: BTreeMap<String, Vec<String>>,
    /// Whether it waits for an approval.
    pub waits_for_approval: bool,
    /// How long the module was not ready, in milliseconds.
    pub pause_ms: Option<u64>,
    /// How long it is on probation from now, in milliseconds.
    pub probation_ms: Option<u64>,
    /// The other modules of the transaction.
    #[serde(default)]
    pub also: Vec<UpdatePart>,
}

/// What a transaction does with one module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdatePart {
    /// Which module.
    pub module_id: String,
    /// The version before; nothing for a module that is new.
    pub from: Option<String>,
    /// The version that the transaction brings.
    pub to: String,
    /// What it asks for that is not approved, by kind.
    pub asks: BTreeMap<String, Vec<String>>,
}

/// A transaction on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionRow {
    /// Its number.
    pub transaction: u64,
    /// How far it is.
    pub phase: UpdatePhase,
    /// Since when.
    pub since_ms: u64,
    /// What spoke for its last step.
    pub evidence: String,
    /// What it does, by module.
    pub modules: Vec<UpdatePart>,
    /// Whether it waits for an approval.
    pub waits_for_approval: bool,
    /// How long it is on probation from now, in milliseconds.
    pub probation_ms: Option<u64>,
}

/// The answer of `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionTable {
    /// By number.
    pub transactions: Vec<TransactionRow>,
}

/// What several packages would change together: the answer of `plan` for more than one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionPlan {
    /// What each would change. Doubts and obstacles are those of all, below.
    pub plans: Vec<UpdatePlan>,
    /// How all would become new: `hot`, `staged` or `restart`.
    pub strategy: String,
    /// What a person has to agree to.
    pub doubts: Vec<CodedSentence>,
    /// Why it can't be done; with none of these it can.
    pub obstacles: Vec<CodedSentence>,
}

/// One module's versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotRow {
    /// Which module.
    pub module_id: String,
    /// The version that runs, or is started next; nothing when its first one is on its way.
    pub active: Option<String>,
    /// The version that it falls back to.
    pub fallback: Option<String>,
    /// The version that is on its way.
    pub next: Option<String>,
    /// The transaction that it is in.
    pub transaction: Option<u64>,
    /// How far that is.
    pub phase: Option<UpdatePhase>,
    /// Since when.
    pub since_ms: Option<u64>,
}

/// A release that is kept under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PinRow {
    /// The name.
    pub name: String,
    /// The first digits of the release's hash.
    pub release: String,
}

/// The answer of `list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotTable {
    /// By module.
    pub modules: Vec<SlotRow>,
    /// What is pinned.
    pub pins: Vec<PinRow>,
}

/// A transaction that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndedRow {
    /// Its number.
    pub transaction: u64,
    /// `committed` or `rolled-back`.
    pub outcome: UpdatePhase,
    /// When.
    pub at_ms: u64,
    /// Why.
    pub evidence: String,
    /// The versions it brought, or would have brought, by module.
    pub versions: BTreeMap<String, String>,
}

/// The answer of `history`: the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateHistory {
    /// The last 64 that ended.
    pub ended: Vec<EndedRow>,
}

/// The answer of `gc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// Chunks that nothing needed.
    pub chunks_removed: u64,
    /// Files of chunks that are gone.
    pub bales_removed: u64,
    /// Folders of versions that nothing runs from.
    pub folders_removed: u64,
}

/// A package that holds: `update verify`.
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

/// What a package would change, for whom, and what stands in the way: the answer of `plan`.
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
