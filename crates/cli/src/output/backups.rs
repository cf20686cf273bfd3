//! What the verbs of `backup` print with `--json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `backup create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupMade {
    /// The backup; nothing when no component was due.
    pub backup: Option<BackupRow>,
    /// What it cost on the disk, in bytes, without its record.
    pub stored_bytes: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// `backup list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupRows {
    /// The oldest first.
    pub backups: Vec<BackupRow>,
    /// Files of records that are not what was written.
    pub damaged: Vec<String>,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupRow {
    /// By this it is named.
    pub number: u64,
    /// When it was made.
    pub at_ms: u64,
    /// What a person called it; one with a name is not pruned.
    pub label: Option<String>,
    /// What is in it.
    pub components: Vec<BackupComponent>,
}

/// One component of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupComponent {
    /// `kernel`, or `module/<id>`.
    pub component: String,
    /// How many files.
    pub files: u64,
    /// How many bytes are in them.
    pub bytes: u64,
    /// How many of the files had to be read for it.
    pub files_read: u64,
    /// How many places could not be read.
    pub skipped: u64,
    /// The first of these, each with the reason.
    pub skipped_first: Vec<String>,
}

/// `backup show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupShown {
    /// The backup.
    pub backup: BackupRow,
    /// Its files, folders and links, by component and path.
    pub files: Vec<BackupFile>,
}

/// One place in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupFile {
    /// Of which component.
    pub component: String,
    /// From the home's root.
    pub path: String,
    /// `file`, `folder` or `link`.
    pub kind: String,
    /// Its rights, as in chmod, in octal.
    pub mode: String,
    /// How long a file is.
    pub bytes: u64,
    /// When it was modified.
    pub modified_ms: i64,
}

/// `backup restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupRestored {
    /// Of which backup.
    pub number: u64,
    /// What was put back, or with `--dry-run` would be, from the home's root.
    pub places: Vec<String>,
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The folder that it went to, with `--to`.
    pub to: Option<String>,
    /// Where what was there before lies now.
    pub before: Option<String>,
    /// The module that was stopped for it, and started again.
    pub restarted: Option<String>,
}

/// `backup verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupVerified {
    /// Whether every byte is what was written.
    pub sound: bool,
    /// Backups that were looked at.
    pub backups: u64,
    /// Chunks that were read.
    pub chunks: u64,
    /// Chunks that are not what their names say.
    pub chunks_damaged: u64,
    /// Files of the depot that were damaged without a loss and are repaired.
    pub repaired: u64,
    /// Files that are damaged, under the names that they have now.
    pub damaged: Vec<String>,
    /// How many files of how many backups are lost.
    pub losses: u64,
    /// The first of them.
    pub lost: Vec<BackupLoss>,
}

/// Something that a backup can't give back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupLoss {
    /// Which backup.
    pub number: u64,
    /// Which component.
    pub component: String,
    /// Which file; nothing when the whole list is lost.
    pub path: Option<String>,
}

/// `backup prune`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupPruned {
    /// What went, or with `--dry-run` would go.
    pub parts: Vec<BackupPart>,
    /// Backups of which nothing is left.
    pub backups: Vec<u64>,
    /// Chunks that nothing needed any more; nothing with `--dry-run`.
    pub chunks_removed: Option<u64>,
}

/// One component of one backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupPart {
    /// Of which backup.
    pub number: u64,
    /// Which component.
    pub component: String,
}
