//! The paths that every contained program may use, because no program works without them.

use crate::confinement::Access;

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
