//! What runs a module's entry, and with which words: the commands of the module door (A7), with the flags of the guard that a
//! runtime has of its own.

use std::path::{Path, PathBuf};

use abi::Permissions;
use protocol::files::manifest;

mod guard;
#[cfg(test)]
mod tests;
mod versions;

pub(crate) use guard::NodeVersion;
pub(crate) use versions::Versions;

/// What runs a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Runtime {
    /// `deno run`
    Deno,
    /// `node`
    Node,
    /// `bun run`
    Bun,
    /// `python3`
    Python,
    /// `php`
    Php,
    /// The entry itself, built from Go.
    Go,
    /// The entry itself, built from Rust.
    Rust,
    /// The entry itself.
    Binary,
    /// A WebAssembly component, inside of the kernel's process.
    Wasm,
    /// A command of a project file.
    Command,
}

impl Runtime {
    /// Its word in tables.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Deno => "deno",
            Self::Node => "node",
            Self::Bun => "bun",
            Self::Python => "python",
            Self::Php => "php",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Binary => "binary",
            Self::Wasm => "wasm",
            Self::Command => "command",
        }
    }

    pub(crate) fn of_manifest(runtime: manifest::Runtime) -> Self {
        match runtime {
            manifest::Runtime::Deno => Self::Deno,
            manifest::Runtime::Node => Self::Node,
            manifest::Runtime::Bun => Self::Bun,
            manifest::Runtime::Go => Self::Go,
            manifest::Runtime::Rust => Self::Rust,
            manifest::Runtime::Python => Self::Python,
            manifest::Runtime::Php => Self::Php,
            manifest::Runtime::Binary => Self::Binary,
            manifest::Runtime::Wasm => Self::Wasm,
        }
    }

    /// The same as the sandbox names it.
    pub(crate) fn to_sandbox(self) -> sandbox::Runtime {
        match self {
            Self::Deno => sandbox::Runtime::Deno,
            Self::Node => sandbox::Runtime::Node,
            Self::Bun => sandbox::Runtime::Bun,
            Self::Python => sandbox::Runtime::Python,
            Self::Php => sandbox::Runtime::Php,
            // A guest never gets there: it is no process.
            Self::Go | Self::Rust | Self::Binary | Self::Wasm => sandbox::Runtime::Native,
            Self::Command => sandbox::Runtime::Command,
        }
    }
}

/// An entry with everything that its command depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// What runs it.
    pub(crate) runtime: Runtime,
    /// The file.
    pub(crate) entry: &'a Path,
    /// The module's folder, where relative permissions start.
    pub(crate) folder: &'a Path,
    /// The module's `deno.json`, if it has one.
    pub(crate) deno_config: Option<&'a Path>,
    /// What `~/` in permissions stands for.
    pub(crate) user_home: &'a Path,
    /// Where programs are looked for.
    pub(crate) search_path: &'a str,
    /// A temporary folder of its own, if it has one.
    pub(crate) temporary: Option<&'a Path>,
    /// Names of variables that a project file sets or passes on.
    pub(crate) set: &'a [String],
    /// Which Node there is, where one is needed and its version is known.
    pub(crate) node: Option<NodeVersion>,
}

impl Entry<'_> {
    /// The command, program first.
    pub(crate) fn command(&self, effective: &Permissions) -> Vec<String> {
        let entry = self.entry.to_string_lossy().into_owned();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut command = match self.runtime {
            Runtime::Deno => {
                let mut command = words(&["deno", "run"]);
                command.extend(self.deno_flags(effective));
                command.push("--unstable-sloppy-imports".to_owned());
                let config = self.deno_config;
                command.extend(config.map(|path| format!("--config={}", path.display())));
                command
            }
            Runtime::Node => words(&["node"]).into_iter().chain(self.node_flags(effective)).collect(),
            Runtime::Bun => words(&["bun", "run"]),
            Runtime::Python => words(&["python3"]).into_iter().chain(self.python_flags(effective)).collect(),
            Runtime::Php => words(&["php"]),
            Runtime::Go | Runtime::Rust | Runtime::Binary | Runtime::Wasm | Runtime::Command => Vec::new(),
        };
        command.push(entry);
        command
    }
}

/// The first file of this name on the path that can be run.
pub(crate) fn find_program(name: &str, search_path: &str) -> Option<PathBuf> {
    let found = std::env::split_paths(search_path).map(|folder| folder.join(name));
    let runs =
        |file: &PathBuf| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok();
    found.into_iter().find(runs)
}
