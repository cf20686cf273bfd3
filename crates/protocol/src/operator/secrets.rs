//! What the operator door says about secrets: never a value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The key of a vault, as 64 hex digits. It is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct VaultKey(pub String);

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKey(..)")
    }
}

/// A change of the vault that has been made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretsChange {
    /// `set`, `removed` or `rotated`.
    pub what: String,
    /// Which secret; none where it is about the whole vault.
    pub name: Option<String>,
}
