//! The paths that every contained program may use, because no program works without them.

use std::path::{Path, PathBuf};

use crate::confinement::{Access, PathRule};

/// What stands in the place of the folders with programs where only those that were named may be run: libraries, what they need, and
/// the loaders by which every program comes into memory.
pub(crate) const LISTED_PATHS: &[(&str, Access)] = &[
    ("/usr/lib", Access::Library),
    ("/usr/lib32", Access::Library),
    ("/usr/lib64", Access::Library),
    ("/usr/libx32", Access::Library),
    ("/usr/local/lib", Access::Library),
    ("/usr/share", Access::Read),
    ("/usr/local/share", Access::Read),
    ("/lib", Access::Library),
    ("/lib32", Access::Library),
    ("/lib64", Access::Library),
    ("/libx32", Access::Library),
    ("/nix/store", Access::Library),
    ("/lib64/ld-linux-x86-64.so.2", Access::ReadExecute),
    ("/lib/ld-musl-x86_64.so.1", Access::ReadExecute),
];

/// The system's paths for those that may run every program, or only those that were named.
pub(crate) fn paths(programs: Programs) -> impl Iterator<Item = PathRule> {
    let rule = |(path, access): &(&str, Access)| PathRule { path: PathBuf::from(path), access: *access };
    let (all, listed) = match programs {
        Programs::All => (SYSTEM_PATHS, [].as_slice()),
        Programs::Named => (SYSTEM_PATHS, LISTED_PATHS),
    };
    let stays = move |entry: &&(&str, Access)| programs == Programs::All || entry.1 != Access::ReadExecute;
    all.iter().filter(stays).chain(listed).map(rule)
}

/// Which of the system's programs may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Programs {
    /// Every one.
    All,
    /// Those that `run` names.
    Named,
}

/// Whether a machine may lack this path: it was not asked for by name.
pub(crate) fn is_one(path: &Path) -> bool {
    SYSTEM_PATHS.iter().chain(LISTED_PATHS).any(|(system, _)| path == Path::new(system))
}

/// Path and what may be done beneath it. A path that a machine doesn't have is left out there.
pub const SYSTEM_PATHS: &[(&str, Access)] = &[
    // Programs, their loader and their libraries.
    ("/usr", Access::ReadExecute),
    ("/bin", Access::ReadExecute),
    ("/sbin", Access::ReadExecute),
    ("/lib", Access::ReadExecute),
    ("/lib32", Access::ReadExecute),
    ("/lib64", Access::ReadExecute),
    ("/libx32", Access::ReadExecute),
    ("/opt", Access::ReadExecute),
    ("/nix/store", Access::ReadExecute),
    // Name resolution, certificates, time zones, the loader's cache, runtimes' settings.
    ("/etc", Access::Read),
    // The files alone: the sockets beside them resolve every name for whoever asks.
    ("/run/systemd/resolve/resolv.conf", Access::Read),
    ("/run/systemd/resolve/stub-resolv.conf", Access::Read),
    ("/run/resolvconf", Access::Read),
    // Runtimes look up their own memory, threads and open files; Landlock keeps other processes' memory and environment shut.
    ("/proc", Access::Read),
    // How many processors and how much memory a runtime should plan for.
    ("/sys/devices/system/cpu", Access::Read),
    ("/sys/devices/system/node", Access::Read),
    ("/sys/fs/cgroup", Access::Read),
    ("/sys/kernel/mm/transparent_hugepage", Access::Read),
    ("/dev/null", Access::Device),
    ("/dev/zero", Access::Device),
    ("/dev/full", Access::Device),
    ("/dev/random", Access::Device),
    ("/dev/urandom", Access::Device),
    ("/dev/tty", Access::Device),
    ("/dev/fd", Access::Read),
];
