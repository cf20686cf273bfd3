//! What runs a module's entry, and with which words: the commands and, for Deno, the flags of the module door (A7).

use std::path::{Path, PathBuf};

use abi::Permissions;
use protocol::files::manifest;

use crate::environment::ALWAYS_READABLE;

#[cfg(test)]
mod tests;

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
            Runtime::Node => words(&["node"]),
            Runtime::Bun => words(&["bun", "run"]),
            Runtime::Python => words(&["python3"]),
            Runtime::Php => words(&["php"]),
            Runtime::Go | Runtime::Rust | Runtime::Binary | Runtime::Wasm | Runtime::Command => Vec::new(),
        };
        command.push(entry);
        command
    }

    /// One flag per kind of permission, in a fixed order; never `--allow-all`.
    fn deno_flags(&self, effective: &Permissions) -> Vec<String> {
        let located = |values: &std::collections::BTreeSet<String>| -> Vec<String> {
            values.iter().map(|value| self.locate(value).display().to_string()).collect()
        };
        let mut env: Vec<String> = ALWAYS_READABLE.iter().map(|name| (*name).to_owned()).collect();
        env.extend(effective.env.iter().filter(|name| !ALWAYS_READABLE.contains(&name.as_str())).cloned());
        vec![
            flag("net", &effective.net.iter().cloned().collect::<Vec<_>>()),
            flag("read", &located(&effective.read)),
            flag("write", &located(&effective.write)),
            flag("env", &env),
            flag("run", &self.runnable(effective)),
            flag("sys", &effective.sys.iter().cloned().collect::<Vec<_>>()),
        ]
    }

    fn locate(&self, text: &str) -> PathBuf {
        match text.strip_prefix("~/") {
            Some(rest) => self.user_home.join(rest),
            None if text == "~" => self.user_home.to_owned(),
            None => self.folder.join(text),
        }
    }

    /// Only names of programs that are on the path. A path would be another program than the one that was approved as
    /// soon as somebody replaces the file, and a shell or interpreter comes in by its own approved name alone.
    fn runnable(&self, effective: &Permissions) -> Vec<String> {
        let on_path = |name: &&String| !name.contains('/') && find_program(name, self.search_path).is_some();
        effective.run.iter().filter(on_path).cloned().collect()
    }
}

fn flag(kind: &str, values: &[String]) -> String {
    if values.is_empty() {
        return format!("--deny-{kind}");
    }
    // Deno splits at commas and knows a doubled one as a comma of the value itself.
    let values: Vec<String> = values.iter().map(|value| value.replace(',', ",,")).collect();
    format!("--allow-{kind}={}", values.join(","))
}

/// The first file of this name on the path that can be run.
pub(crate) fn find_program(name: &str, search_path: &str) -> Option<PathBuf> {
    let found = std::env::split_paths(search_path).map(|folder| folder.join(name));
    let runs =
        |file: &PathBuf| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok();
    found.into_iter().find(runs)
}
