//! The layers of containment, what a probe found out about each, and the level that follows: said honestly, never rounded up.

use core::fmt;

/// One thing that stands between a child and the rest of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// No program that it starts can gain rights, as by a setuid bit.
    NoNewPrivs,
    /// Of root's rights only those over files and its own processes are left: none over the machine, its network or other programs.
    Capabilities,
    /// Bounds on files, memory, processor time and core dumps.
    Rlimits,
    /// System calls that no module needs answer `EPERM`.
    Seccomp,
    /// Files outside the permitted paths can't be opened, made or run.
    LandlockFiles,
    /// Without a `net` permission no TCP port can be bound or connected to, and no internet socket be made.
    LandlockNet,
    /// Processes and abstract sockets outside can't be reached by signals and connections.
    LandlockScopes,
    /// All that a module has started can be killed at once, wherever it forked to.
    CgroupKill,
    /// Of the system's programs only those that `run` names can be started.
    RunList,
    /// What rights it has count for what is its own, not for the machine.
    UserNamespace,
    /// Files outside the permitted paths are not there; what may not be changed can't be, not even its rights or dates.
    MountNamespace,
    /// Processes outside are not there, and all of its own end with it.
    PidNamespace,
    /// Shared memory, semaphores and queues of others are not there.
    IpcNamespace,
    /// The machine's name is a copy.
    UtsNamespace,
    /// Without a `net` permission there is no network, not even the loopback.
    NetNamespace,
    /// Of the network only the hosts that `net` names can be reached.
    NetBroker,
}

impl Layer {
    /// All layers, from the one that is always there to those that depend on what was granted.
    pub const ALL: [Self; 16] = [
        Self::NoNewPrivs,
        Self::Capabilities,
        Self::Rlimits,
        Self::Seccomp,
        Self::LandlockFiles,
        Self::LandlockNet,
        Self::LandlockScopes,
        Self::UserNamespace,
        Self::MountNamespace,
        Self::PidNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::NetNamespace,
        Self::CgroupKill,
        Self::RunList,
        Self::NetBroker,
    ];

    /// Whether it is a namespace: these are built together.
    pub fn is_namespace(self) -> bool {
        use Layer::{IpcNamespace, MountNamespace, NetNamespace, PidNamespace, UserNamespace, UtsNamespace};
        matches!(
            self,
            UserNamespace | MountNamespace | PidNamespace | IpcNamespace | UtsNamespace | NetNamespace
        )
    }

    /// The layer's word in tables and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoNewPrivs => "no_new_privs",
            Self::Capabilities => "capabilities",
            Self::Rlimits => "rlimits",
            Self::Seccomp => "seccomp",
            Self::LandlockFiles => "landlock_files",
            Self::LandlockNet => "landlock_net",
            Self::LandlockScopes => "landlock_scopes",
            Self::CgroupKill => "cgroup_kill",
            Self::RunList => "run_list",
            Self::UserNamespace => "user_namespace",
            Self::MountNamespace => "mount_namespace",
            Self::PidNamespace => "pid_namespace",
            Self::IpcNamespace => "ipc_namespace",
            Self::UtsNamespace => "uts_namespace",
            Self::NetNamespace => "net_namespace",
            Self::NetBroker => "net_broker",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What trying a forbidden act has shown about a layer on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The act succeeded without the layer and failed with it.
    Works,
    /// It is there and does less than its name says.
    Weak(String),
    /// It is not there.
    Missing(String),
}

impl Proof {
    /// Whether the layer can be counted on.
    pub fn is_works(&self) -> bool {
        *self == Self::Works
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Works => f.write_str("works"),
            Self::Weak(reason) => write!(f, "weak: {reason}"),
            Self::Missing(reason) => write!(f, "missing: {reason}"),
        }
    }
}

/// How much containment a child really has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// Every layer stands.
    Full,
    /// Some layers stand; these don't, in the order of [`Layer::ALL`].
    Partial {
        /// The layers that don't stand.
        missing: Vec<Layer>,
    },
    /// No layer stands.
    None,
}

impl Level {
    /// The level that follows from the layers that stand.
    pub fn of(standing: impl Fn(Layer) -> bool) -> Self {
        Self::among(|_| true, standing)
    }

    /// The same where only some layers can make a difference.
    pub fn among(counts: impl Fn(Layer) -> bool, standing: impl Fn(Layer) -> bool) -> Self {
        let (stand, missing): (Vec<Layer>, Vec<Layer>) =
            Layer::ALL.into_iter().filter(|layer| counts(*layer)).partition(|layer| standing(*layer));
        match (stand.is_empty(), missing.is_empty()) {
            (_, true) => Self::Full,
            (true, false) => Self::None,
            (false, false) => Self::Partial { missing },
        }
    }

    /// The level's word in tables and in JSON: `full`, `partial` or `none`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial { .. } => "partial",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        if let Self::Partial { missing } = self {
            let words: Vec<&str> = missing.iter().map(|layer| layer.as_str()).collect();
            write!(f, " (missing: {})", words.join(", "))?;
        }
        Ok(())
    }
}
