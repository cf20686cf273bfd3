//! The bounds that the system itself keeps for a child: what can be asked for, and what it comes to on this machine.

use core::fmt;

/// 4,096 open files: enough for every runtime, and far from what one module could take from the whole machine.
pub const OPEN_FILES_DEFAULT: u64 = 4096;

/// What a child may use at most. Nothing set is nothing bounded; what the machine bounds already stays bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Open files, as a number. Default [`OPEN_FILES_DEFAULT`].
    pub open_files: Option<u64>,
    /// Processes and threads of the whole user, as a number: off by default, since the user's other work counts too.
    pub processes: Option<u64>,
    /// Written private memory in bytes (`RLIMIT_DATA`): the bound that runtimes with large reservations survive.
    pub memory_bytes: Option<u64>,
    /// Addresses in bytes (`RLIMIT_AS`): V8 and wasm reserve terabytes, so it is for plain programs only.
    pub address_space_bytes: Option<u64>,
    /// Processor time of one process in seconds; past it comes SIGXCPU, then SIGKILL one second later.
    pub cpu_seconds: Option<u64>,
    /// The largest file it may write, in bytes.
    pub file_bytes: Option<u64>,
}

impl Limits {
    /// Files bounded, all else free, no core dumps.
    pub const STANDARD: Self = Self {
        open_files: Some(OPEN_FILES_DEFAULT),
        processes: None,
        memory_bytes: None,
        address_space_bytes: None,
        cpu_seconds: None,
        file_bytes: None,
    };
}

/// One bound as the system calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rlimit {
    /// The bound's name, as in `prlimit`.
    pub name: &'static str,
    /// The system's number for it.
    pub(crate) resource: i32,
    /// Where the child is warned or refused; in the resource's own unit.
    pub soft: u64,
    /// Where the child is stopped, and up to where it may raise the soft one itself.
    pub hard: u64,
}

impl Rlimit {
    fn same(name: &'static str, resource: libc::__rlimit_resource_t, value: u64) -> Self {
        Self { name, resource: resource.cast_signed(), soft: value, hard: value }
    }
}

impl fmt::Display for Rlimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.soft == self.hard {
            write!(f, "{} {}", self.name, self.hard)
        } else {
            write!(f, "{} {} (hard {})", self.name, self.soft, self.hard)
        }
    }
}

impl Limits {
    /// The bounds to set, in a fixed order. Core dumps are always off: they hold secrets.
    pub fn to_rlimits(self) -> Vec<Rlimit> {
        let mut all = vec![Rlimit::same("core", libc::RLIMIT_CORE, 0)];
        let plain = [
            ("nofile", libc::RLIMIT_NOFILE, self.open_files),
            ("nproc", libc::RLIMIT_NPROC, self.processes),
            ("data", libc::RLIMIT_DATA, self.memory_bytes),
            ("as", libc::RLIMIT_AS, self.address_space_bytes),
            ("fsize", libc::RLIMIT_FSIZE, self.file_bytes),
        ];
        for (name, resource, value) in plain {
            all.extend(value.map(|value| Rlimit::same(name, resource, value)));
        }
        if let Some(seconds) = self.cpu_seconds {
            let resource = libc::RLIMIT_CPU.cast_signed();
            all.push(Rlimit { name: "cpu", resource, soft: seconds, hard: seconds.saturating_add(1) });
        }
        all
    }
}
