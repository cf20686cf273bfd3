//! `permissions.yaml`: what operators have approved.
//!
//! Two older spellings are read too; one is written. What is not understood is kept and written back, because this
//! file is the memory of decisions: an entry that is malformed counts as no approval, and stays for a person to see.

use std::collections::BTreeMap;

use abi::{ModuleId, Name, Permissions, Wall, Zone};
use serde_json::{Map, Value};

use super::manifest::{Capabilities, Forbidden};
use super::{FileError, FileErrors};

mod read;
mod write;

#[cfg(test)]
mod tests;

/// Something granted at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What.
    pub permissions: Permissions,
    /// Why it was asked for.
    pub reason: Option<String>,
    /// When.
    pub granted_at: Option<Wall>,
}

/// Something asked for and not yet decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Names the request for operators; the same for a repeated request.
    pub id: String,
    /// What.
    pub permissions: Permissions,
    /// Why it is asked for.
    pub reason: Option<String>,
    /// When.
    pub requested_at: Option<Wall>,
}

/// Something refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// What.
    pub permissions: Permissions,
    /// Why it was asked for.
    pub reason: Option<String>,
    /// When.
    pub denied_at: Option<Wall>,
}

/// What was approved with content that a module had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// SHA-256 of its `module.json`, 64 lower-case hex digits.
    pub manifest_hash: String,
    /// SHA-256 over every file of its folder but what it may write, 64 lower-case hex digits.
    pub tree_hash: Option<String>,
    /// What was approved with the manifest.
    pub base: Permissions,
    /// When it was approved.
    pub base_granted_at: Option<Wall>,
    /// What was granted at run time by then.
    pub dynamic: Permissions,
}

/// What is stored about one module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// What was approved with the manifest; `None` before any approval.
    pub base: Option<Permissions>,
    /// SHA-256 of the approved `module.json`, 64 lower-case hex digits.
    pub base_manifest_hash: Option<String>,
    /// When it was approved.
    pub base_granted_at: Option<Wall>,
    /// SHA-256 over every file of the module's folder but what it may write, 64 lower-case hex digits.
    pub tree_hash: Option<String>,
    /// SHA-256 over the approved manifest without its permissions and every other file: what may not change when a manifest
    /// asks for less by itself. 64 lower-case hex digits.
    pub rest_hash: Option<String>,
    /// Its manifest's hash when a person approved it, if the manifest has asked for less by itself since.
    pub whole_manifest_hash: Option<String>,
    /// Its tree's hash then.
    pub whole_tree_hash: Option<String>,
    /// When the module was first spawned.
    pub first_spawn_at: Option<Wall>,
    /// What it may do on the bus.
    pub capabilities: Option<Capabilities>,
    /// What it may not do on the bus, whatever else allows it.
    pub forbid: Forbidden,
    /// Granted at run time.
    pub dynamic: Vec<Grant>,
    /// Not yet decided.
    pub pending: Vec<Request>,
    /// Refused.
    pub denied: Vec<Denial>,
    /// What was approved with contents that it had before, the latest last: going back to one of them gives it back.
    pub earlier: Vec<Earlier>,
    /// Where an operator put it.
    pub zone: Option<Zone>,
    /// Whether it has no right until an operator has looked.
    pub is_quarantined: bool,
    /// Fields that are not ours.
    pub extra: Map<String, Value>,
}

impl Entry {
    /// Whether the module was approved at all.
    pub fn is_approved(&self) -> bool {
        self.base.is_some()
    }

    /// What the module may touch: approved with the manifest, and granted since.
    pub fn effective(&self) -> Permissions {
        let mut effective = self.base.clone().unwrap_or_default();
        for grant in &self.dynamic {
            effective.extend(&grant.permissions);
        }
        effective
    }

    /// Whether any value of `wanted` was refused before.
    pub fn is_denied(&self, wanted: &Permissions) -> bool {
        self.denied.iter().any(|denial| denial.permissions.intersects(wanted))
    }
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Store {
    /// What is stored about each module.
    pub modules: BTreeMap<ModuleId, Entry>,
    /// Which module provides a service, where an operator chose.
    pub service_providers: BTreeMap<Name, ModuleId>,
    /// Entries of `modules` that are malformed, as they stand; their modules are not approved. Written back unless
    /// `modules` has got an entry of the same name.
    pub unreadable: BTreeMap<String, Value>,
    /// Fields at the top that are not ours.
    pub extra: Map<String, Value>,
}

impl Store {
    /// Reads a file; `file` is its name in errors. The second part says what is malformed in single entries.
    ///
    /// # Errors
    /// The file as a whole can't be read. Don't write over it then.
    pub fn parse(file: &str, text: &str) -> Result<(Self, Vec<FileError>), FileErrors> {
        read::store(file, text)
    }

    /// The file's text: the same for the same store.
    pub fn to_yaml(&self) -> String {
        write::store(self)
    }
}
