//! What the operator door says about the configuration: every value in force with where it comes from, and changing one.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to be done with the configuration.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verb", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ConfigVerb {
    /// Every value in force.
    List {},
    /// Set a value above all files of the person's own, checked before it is written and taken over at once.
    Set {
        /// Its dotted key.
        key: String,
        /// Its value; a text is understood as on the command line, and `null` is a value too.
        value: Value,
        /// Only if the configuration still is the one of this version.
        version: Option<String>,
    },
    /// Take back what was set.
    Unset {
        /// Its dotted key.
        key: String,
        /// Only if the configuration still is the one of this version.
        version: Option<String>,
    },
}

/// Values may be secrets.
impl fmt::Debug for ConfigVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List {} => f.write_str("List"),
            Self::Set { key, .. } => f.debug_struct("Set").field("key", key).finish_non_exhaustive(),
            Self::Unset { key, .. } => f.debug_struct("Unset").field("key", key).finish_non_exhaustive(),
        }
    }
}

/// One value of the configuration with its origin.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigEntry {
    /// Its dotted key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Where it comes from: a file of the home, the project file, or `default`.
    pub origin: String,
}

/// Values may be secrets.
impl fmt::Debug for ConfigEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigEntry")
            .field("key", &self.key)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The answer of every verb about the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigTable {
    /// Another one for each other configuration, for changes that must not meet an unseen one.
    pub version: String,
    /// By key.
    pub entries: Vec<ConfigEntry>,
}
