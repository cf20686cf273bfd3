//! What a component may import, as it follows from what was approved for its module. Nothing is ambient: what is not
//! named here is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use abi::{ModuleId, Permissions};

/// What an operator approved for one module, and where its paths begin.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose it is.
    pub module: ModuleId,
    /// The six kinds.
    pub permissions: Permissions,
    /// Secrets, by name.
    pub secrets: BTreeSet<String>,
    /// Where relative paths begin: the module's own folder.
    pub home: PathBuf,
    /// Values of environment variables; only those that `permissions.env` names are passed on.
    pub environment: BTreeMap<String, String>,
    /// Arguments of a command; a module has none.
    pub arguments: Vec<String>,
}

impl Grant {
    /// A module that may do nothing beyond its own world.
    pub fn nothing(module: ModuleId) -> Self {
        Self {
            module,
            permissions: Permissions::default(),
            secrets: BTreeSet::new(),
            home: PathBuf::new(),
            environment: BTreeMap::new(),
            arguments: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Grant {
    /// Without values of the environment and without arguments: both may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant")
            .field("module", &self.module)
            .field("permissions", &self.permissions)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

/// Whether an interface may be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is linked.
    Allowed,
    /// It exists, and this has to be granted first.
    Needs(&'static str),
    /// It does not exist here; the text says what does.
    Unknown(&'static str),
}

/// Judges one import by its full name, as `wasi:cli/stdin@0.2.0`.
pub fn judge(import: &str, grant: &Grant) -> Verdict {
    let name = import.split_once('@').map_or(import, |(name, _)| name);
    let Some((package, interface)) = name.split_once('/') else {
        return Verdict::Unknown("a module imports interfaces, as `ostoja:module/log`");
    };
    match package {
        "ostoja:module" => judge_own(interface, import, grant),
        // Without an opened folder the file interface reaches nothing, and every program's start-up code imports it.
        "wasi:io" | "wasi:cli" | "wasi:clocks" | "wasi:random" | "wasi:filesystem" => judge_version(import),
        "wasi:sockets" | "wasi:http" => {
            Verdict::Needs("permission `net`, which WebAssembly modules can't be given yet; use `bus.call`")
        }
        _ => Verdict::Unknown("offered are `ostoja:module/*@0.1.0` and, by permission, WASI 0.2"),
    }
}

fn judge_own(interface: &str, import: &str, grant: &Grant) -> Verdict {
    let known = matches!(interface, "log" | "config" | "bus" | "context" | "secrets" | "clock");
    if !known {
        return Verdict::Unknown("offered are log, config, bus, context, secrets and clock");
    }
    if !import.ends_with("@0.1.0") {
        return Verdict::Unknown("offered is version 0.1.0 of `ostoja:module`");
    }
    if interface == "secrets" && grant.secrets.is_empty() {
        return Verdict::Needs("at least one secret granted to the module by name");
    }
    Verdict::Allowed
}

fn judge_version(import: &str) -> Verdict {
    match import.split_once('@') {
        Some((_, version)) if version.starts_with("0.2.") => Verdict::Allowed,
        _ => Verdict::Unknown("offered is version 0.2 of WASI"),
    }
}

#[cfg(test)]
mod tests;
