//! What `token` prints with `--json`.

use protocol::operator::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRow {
    /// Its number, 16 hex digits.
    pub id: String,
    /// Whose it is, in their own words.
    pub name: String,
    /// What it lets its holder do.
    pub role: Role,
    /// When it was made.
    pub created_at_ms: u64,
    /// When it ends; nothing for one that does not.
    pub expires_at_ms: Option<u64>,
}

/// `token create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenMade {
    /// The token itself, which nobody can show again.
    pub token: String,
    /// What is known of it.
    pub row: TokenRow,
}

/// `token list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRows {
    /// All, those that ended too.
    pub tokens: Vec<TokenRow>,
}

/// `token revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenRevoked {
    /// Its number.
    pub id: String,
    /// Whose it was.
    pub name: String,
}
