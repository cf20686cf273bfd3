//! What is kept about one name: in memory, and as the sealed file from which it comes back after a restart.

use std::collections::{BTreeMap, BTreeSet};

use abi::{ModuleId, PermissionKind, Permissions};
use serde::{Deserialize, Serialize};

use super::caller::Owner;
use super::content::ContentId;
use super::kernel_imports::KernelImport;

/// Whether a function is a core module or a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A core module with `memory`, `alloc` and `run`.
    Core,
    /// A component with `run`.
    Component,
}

/// One function under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: ModuleId,
    /// Who put it and may replace it.
    pub owner: Owner,
    /// What it may touch, at most.
    pub permissions: Permissions,
    /// Its content.
    pub content: ContentId,
    /// Its form.
    pub form: Form,
    /// What it asks of the kernel, in the order of `KernelImport::ALL`.
    pub imports: Vec<KernelImport>,
}

/// The record on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    name: String,
    /// Absent for an operator.
    owner: Option<String>,
    permissions: BTreeMap<String, BTreeSet<String>>,
    content: String,
    form: Form,
    imports: Vec<String>,
}

impl Function {
    /// The record's bytes; `None` when it would not be read back, because its permissions are too long.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let permissions = PermissionKind::ALL
            .into_iter()
            .filter(|kind| !self.permissions.of(*kind).is_empty())
            .map(|kind| (kind.as_str().to_owned(), self.permissions.of(kind).clone()))
            .collect();
        let owner = match &self.owner {
            Owner::Operator => None,
            Owner::Module(id) => Some(id.to_string()),
        };
        let imports = self.imports.iter().map(|import| import.as_str().to_owned()).collect();
        let (name, content, form) = (self.name.to_string(), self.content.to_string(), self.form);
        let wire = Wire { name, owner, permissions, content, form, imports };
        serde_json::to_vec(&wire).ok().filter(|bytes| bytes.len() <= super::bounds::RECORD_BYTES_MAX)
    }

    /// Reads a record that was unsealed; `None` when a word in it is unknown to this version.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(bytes).ok()?;
        let mut permissions = Permissions::default();
        for (word, values) in wire.permissions {
            *permissions.of_mut(PermissionKind::from_word(&word)?) = values;
        }
        let owner = match wire.owner {
            None => Owner::Operator,
            Some(id) => Owner::Module(ModuleId::parse(&id).ok()?),
        };
        let imports = wire.imports.iter().map(|word| KernelImport::from_word(word)).collect::<Option<_>>()?;
        let name = ModuleId::parse(&wire.name).ok()?;
        let content = ContentId::parse(&wire.content)?;
        Some(Self { name, owner, permissions, content, form: wire.form, imports })
    }
}
