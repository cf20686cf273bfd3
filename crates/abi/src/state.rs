//! The states of a module, the reasons for which it leaves one, and how a process ended.

use core::fmt;

/// Where a module is in its life, in the module door's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Its process runs and has not yet said that it is ready.
    Starting,
    /// It waits for what it requires.
    Waiting,
    /// It works.
    Ready,
    /// It ended without being told to and will be started again.
    Restarting,
    /// It does not run, and that is meant.
    Stopped,
    /// It ended too often, or a cause forbids to start it again.
    Crashed,
    /// It was told to end and has not yet been reaped.
    Killed,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Starting,
        Self::Waiting,
        Self::Ready,
        Self::Restarting,
        Self::Stopped,
        Self::Crashed,
        Self::Killed,
    ];

    /// The state's word on the wire and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
            Self::Killed => "killed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why the kernel ended a module, in the module door's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// An operator asked.
    Requested,
    /// The whole system stops.
    Shutdown,
    /// Its files changed and a new life follows.
    HotSwap,
    /// Its effective permissions changed and a new life follows.
    PermissionUpdate,
    /// Its approval is gone.
    PermissionsRevoked,
    /// Its folder is gone.
    Uninstalled,
    /// It tried what it may not.
    SecurityViolation,
    /// It offers a service that another module offers already.
    DuplicateService,
    /// What it requires comes back to itself.
    CircularDependency,
    /// What it requires did not come in time.
    RequiresTimeout,
    /// It did not become ready in time.
    ReadyTimeout,
    /// It left its pings unanswered.
    HealthCheckFailed,
    /// A configuration it depends on changed and a new life follows.
    ConfigUpdate,
    /// A module that shares its fate failed.
    Strategy,
    /// It used more than its bounds, and nothing milder helped.
    Overload,
    /// The kernel went to safe mode.
    SafeMode,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 16] = [
        Self::Requested,
        Self::Shutdown,
        Self::HotSwap,
        Self::PermissionUpdate,
        Self::PermissionsRevoked,
        Self::Uninstalled,
        Self::SecurityViolation,
        Self::DuplicateService,
        Self::CircularDependency,
        Self::RequiresTimeout,
        Self::ReadyTimeout,
        Self::HealthCheckFailed,
        Self::ConfigUpdate,
        Self::Strategy,
        Self::Overload,
        Self::SafeMode,
    ];

    /// The reason's word on the wire, in the journal and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Shutdown => "shutdown",
            Self::HotSwap => "hot-swap",
            Self::PermissionUpdate => "permission-update",
            Self::PermissionsRevoked => "permissions-revoked",
            Self::Uninstalled => "uninstalled",
            Self::SecurityViolation => "security-violation",
            Self::DuplicateService => "duplicate-service",
            Self::CircularDependency => "circular-dependency",
            Self::RequiresTimeout => "requires-timeout",
            Self::ReadyTimeout => "ready-timeout",
            Self::HealthCheckFailed => "health-check-failed",
            Self::ConfigUpdate => "config-update",
            Self::Strategy => "strategy",
            Self::Overload => "overload",
            Self::SafeMode => "safe-mode",
        }
    }

    /// The word that modules are told: the module door knows only the first twelve reasons, the others are
    /// requests as far as a module is concerned.
    pub fn as_wire(self) -> &'static str {
        match self {
            Self::ConfigUpdate | Self::Strategy | Self::Overload => Self::Requested.as_str(),
            Self::SafeMode => Self::Shutdown.as_str(),
            told => told.as_str(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a process ended, as the operating system tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitKind {
    /// It left with this code, 0 to 255.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl ExitKind {
    /// Whether it is the exit that a command which has done its work gives.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The number that a shell would show: the code, or 128 and the signal.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl fmt::Display for ExitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}
