//! Context variables as operators see and change them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextKey {
    /// `module:NAME` or `session:NAME`.
    pub scope: String,
    /// Its key.
    pub key: String,
}

/// A variable that is to be kept.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextChange {
    /// `module:NAME` or `session:NAME`.
    pub scope: String,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// For how many milliseconds; for ever, or for a session's 24 hours, when left out.
    pub ttl_ms: Option<u64>,
}

impl std::fmt::Debug for ContextChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContextChange")
            .field("scope", &self.scope)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// `context.list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VariableList {
    /// By scope and key.
    pub variables: Vec<VariableRow>,
    /// How many more there are than one answer holds.
    pub left_out: u64,
    /// What all variables of all scopes take, in bytes.
    pub bytes_total: u64,
}

/// One variable: a row of `context.list`, and the answer of `context.get`.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VariableRow {
    /// `module:NAME` or `session:NAME`.
    pub scope: String,
    /// Its key.
    pub key: String,
    /// How long its value is.
    pub bytes: u64,
    /// Which change since the kernel started made it what it is; higher is later.
    pub version: u64,
    /// When it ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
    /// Its value; only in the answer of `context.get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl std::fmt::Debug for VariableRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VariableRow")
            .field("scope", &self.scope)
            .field("key", &self.key)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
