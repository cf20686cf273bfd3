//! What `policy` prints with `--json`.

use protocol::operator::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `policy check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyChecked {
    /// The files, in the order in which they are read.
    pub files: Vec<String>,
    /// How many policies they hold; nothing when something is wrong.
    pub policies: Option<usize>,
    /// What is wrong.
    pub faults: Vec<PolicyFault>,
}

/// Something wrong in a file of policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyFault {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// `policy explain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyExplained {
    /// Who was asked about; nothing for anybody of the role.
    pub user: Option<String>,
    /// As what.
    pub role: Option<Role>,
    /// What they would ask.
    pub verb: String,
    /// About which module.
    pub module: Option<String>,
    /// In which zone.
    pub zone: Option<String>,
    /// Whether they may.
    pub allowed: bool,
    /// The policies that decided: `FILE:LINE:COLUMN (ID)`, `role:NAME` for a built-in one.
    pub by: Vec<String>,
}

/// `policy test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTested {
    /// How many cases there are.
    pub cases: usize,
    /// Those that came out otherwise than expected.
    pub differences: Vec<PolicyDifference>,
}

/// A case that came out otherwise than expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyDifference {
    /// Its number in the file, from 1.
    pub number: usize,
    /// What it asks and what the policies say to it.
    #[serde(flatten)]
    pub said: PolicyExplained,
}
