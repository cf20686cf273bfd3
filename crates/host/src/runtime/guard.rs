//! The guards that runtimes have of their own, as flags that follow from permissions: a second layer behind the system's,
//! and never the first.
//!
//! | runtime | flags | what they hold |
//! |---|---|---|
//! | Deno | `--allow-…`, `--deny-…` for each kind | files, network, environment, programs, system information |
//! | Node 20.16, 22.3 and newer | `--permission` or its earlier name, `--allow-fs-read`, `--allow-fs-write` and, where granted, `--allow-child-process`; from 25 on `--allow-net` | files and programs, and whether there is a network |
//! | Python | `-E`, `-s` | that no code comes in by variables or from the user's own packages |
//!
//! Node's guard is about what its own functions touch. Its threads, compiled add-ons and WebAssembly programs are allowed,
//! since the code of a module is what was approved; what they touch is held by the system alone.

use std::path::{Path, PathBuf};

use abi::Permissions;

use super::Entry;
use crate::environment::ALWAYS_READABLE;

/// Places of the system that the first layer shows to every module: without them Node's own libraries find no time zones and
/// no certificates, and to look for a file would be refused instead of finding none.
const SHOWN: [&str; 8] = ["/dev", "/etc", "/lib", "/lib64", "/proc", "/sys", "/tmp", "/usr"];

/// Of those what a module may write to: its own temporary folder, and devices that keep nothing.
const WRITABLE: [&str; 3] = ["/dev/null", "/dev/tty", "/tmp"];

/// A version of Node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeVersion {
    major: u32,
    minor: u32,
}

impl NodeVersion {
    /// Reads what `node --version` says: `v20.20.2`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().strip_prefix('v')?.split('.');
        let mut next = || numbers.next()?.parse().ok();
        Some(Self { major: next()?, minor: next()? })
    }

    /// The flag that turns the guard on, where it has all the others that are needed.
    fn switch(self) -> Option<&'static str> {
        match (self.major, self.minor) {
            (20, 16..) | (22, 3..13) | (23, ..5) => Some("--experimental-permission"),
            (22, 13..) | (23, 5..) | (24.., _) => Some("--permission"),
            (0..20 | 21, _) | (20 | 22, _) => None,
        }
    }

    /// Whether the guard knows the network.
    fn knows_net(self) -> bool {
        self.major >= 25
    }
}

impl Entry<'_> {
    /// One flag per kind of permission, in a fixed order; never `--allow-all`.
    pub(super) fn deno_flags(&self, effective: &Permissions) -> Vec<String> {
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

    /// Node's flags; none for a version that has no guard, or an unknown one.
    pub(super) fn node_flags(&self, effective: &Permissions) -> Vec<String> {
        let guard = self.node.and_then(|version| Some((version, version.switch()?)));
        let Some((version, switch)) = guard else { return Vec::new() };
        let mut flags: Vec<String> = vec![switch.to_owned()];
        // The first says that the guard may change in later versions, the second that what is allowed below is not held by it.
        flags.extend(
            ["ExperimentalWarning", "SecurityWarning"].map(|name| format!("--disable-warning={name}")),
        );
        let granted = |values: &std::collections::BTreeSet<String>| -> Vec<PathBuf> {
            values.iter().map(|value| self.locate(value)).collect()
        };
        let (read, write) = (granted(&effective.read), granted(&effective.write));
        let temporary = self.temporary.map(Path::to_owned);
        let own = SHOWN.map(PathBuf::from).into_iter().chain([self.folder.to_owned()]);
        for path in own.chain(read).chain(write.clone()).chain(temporary.clone()) {
            flags.push(format!("--allow-fs-read={}", path.display()));
        }
        for path in WRITABLE.map(PathBuf::from).into_iter().chain(write).chain(temporary) {
            flags.push(format!("--allow-fs-write={}", path.display()));
        }
        flags.extend(["--allow-worker", "--allow-addons", "--allow-wasi"].map(str::to_owned));
        let names_a_path = effective.run.iter().any(|name| name.contains('/'));
        if names_a_path || !self.runnable(effective).is_empty() {
            flags.push("--allow-child-process".to_owned());
        }
        if version.knows_net() && !effective.net.is_empty() {
            flags.push("--allow-net".to_owned());
        }
        flags
    }

    /// Python's flags: no `PYTHON…` variable counts unless one was granted or set, and no packages from the user's own folder
    /// do unless that may be read.
    pub(super) fn python_flags(&self, effective: &Permissions) -> Vec<String> {
        let is_set = self.set.iter().chain(&effective.env).any(|name| name.starts_with("PYTHON"));
        let own = self.user_home.join(".local");
        let is_readable = effective.read.iter().chain(&effective.write).any(|value| {
            let granted = self.locate(value);
            granted.starts_with(&own) || own.starts_with(&granted)
        });
        let flags = [(!is_set).then_some("-E"), (!is_readable).then_some("-s")];
        flags.into_iter().flatten().map(str::to_owned).collect()
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
        let on_path =
            |name: &&String| !name.contains('/') && super::find_program(name, self.search_path).is_some();
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
