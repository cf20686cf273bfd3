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
    /// Its own view of processes, mounts, users and network.
    Namespaces,
    /// Of the network only the hosts that `net` names can be reached.
    NetBroker,
}

impl Layer {
    /// All layers, from the one that is always there to those that are not built yet.
    pub const ALL: [Self; 11] = [
        Self::NoNewPrivs,
        Self::Capabilities,
        Self::Rlimits,
        Self::Seccomp,
        Self::LandlockFiles,
        Self::LandlockNet,
        Self::LandlockScopes,
        Self::CgroupKill,
        Self::RunList,
        Self::Namespaces,
        Self::NetBroker,
    ];

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
            Self::Namespaces => "namespaces",
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
        let missing: Vec<Layer> = Layer::ALL.into_iter().filter(|layer| !standing(*layer)).collect();
        match missing.len() {
            0 => Self::Full,
            all if all == Layer::ALL.len() => Self::None,
            _ => Self::Partial { missing },
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
