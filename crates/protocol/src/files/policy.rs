//! How one module is run and kept alive: the words that `ostoja.yaml` and our additions to `module.json` share.
//!
//! Every field is optional here, because a project's entry stands above the module's own manifest, and both above the
//! defaults. [`Policy::over`] lays one over the other; the accessors with defaults come last.

use std::time::Duration;

use abi::{ModuleId, Zone};

/// How a module talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// The module door: JSON lines on stdin and stdout.
    Lines,
    /// Not at all: any command, watched from outside.
    None,
    /// A WebAssembly component of the world `ostoja:module`.
    Wasm,
    /// An MCP server: MCP over stdin and stdout, translated by a bridge that is started with it.
    Mcp,
}

/// `security.minimum`: how much containment there has to be for a module to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Minimum {
    /// However little there is.
    #[default]
    None,
    /// Some layers.
    Partial,
    /// Every layer that could make a difference.
    Full,
}

impl Minimum {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Partial, Self::Full];

    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Partial => "partial",
            Self::Full => "full",
        }
    }
}

/// The way on which a module wants its frames to travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Transport {
    /// Its stdin and stdout: always there.
    #[default]
    Pipes,
    /// Shared memory, or the pipes where that is not to be had.
    Shm,
}

/// What a module says of the state in its memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum State {
    /// It has none: another life is as good as this one.
    None,
    /// All of it outlives planned restarts.
    All,
    /// These members of it do; the state has to be an object. Sorted, each once, from 1 to 64.
    Keys(Vec<String>),
}

/// When a module that ended by itself is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Restart {
    /// Whatever its exit code.
    #[default]
    Always,
    /// Unless it left with 0.
    OnFailure,
    /// Not at all.
    Never,
}

/// Who else is restarted with a module, in the words of Erlang's supervisors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strategy {
    /// Nobody.
    #[default]
    OneForOne,
    /// Those that require it, directly or through others.
    RestForOne,
    /// All that are tied to it by what they require.
    OneForAll,
}

/// What is done when a module has used up its restarts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum OnGiveUp {
    /// It stays `crashed`.
    #[default]
    Nothing,
    /// Those that require it are stopped.
    StopDependents,
    /// The whole system stops.
    Shutdown,
    /// Another module is started in its stead.
    Start(ModuleId),
}

/// How one sees that a module is ready.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Probe {
    /// It is, once its process runs.
    #[default]
    Started,
    /// Somebody accepts connections at this host and port.
    Tcp {
        /// A name or an address.
        host: String,
        /// 1 to 65,535.
        port: u16,
    },
    /// A GET is answered with this status.
    Http {
        /// A name or an address.
        host: String,
        /// 1 to 65,535.
        port: u16,
        /// Path and query, starting with `/`.
        path: String,
        /// The status that means ready; `None` for any from 200 to 299.
        status: Option<u16>,
    },
    /// This command leaves with 0.
    Exec(Vec<String>),
    /// This text comes up in its output, of this life.
    Log(String),
    /// It says so, as to systemd (`sd_notify`).
    Notify,
    /// Its one-time work is done: it left with 0.
    Completed,
}

/// When a module counts as ready.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ready {
    /// What is looked at.
    pub probe: Probe,
    /// How long it may take; without it the configuration's `readyTimeoutMs` counts.
    pub timeout: Option<Duration>,
    /// How long between two looks; without it the host's own pace counts.
    pub interval: Option<Duration>,
}

/// A signal that asks a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names are those of signal(7)")]
pub enum StopSignal {
    #[default]
    Term,
    Int,
    Quit,
    Hup,
    Usr1,
    Usr2,
    Kill,
}

/// How a module is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stop {
    /// The signal for a module that does not speak the door's `shutdown`.
    pub signal: Option<StopSignal>,
    /// How long it may take; without it the configuration's `shutdownGraceMs` counts.
    pub grace: Option<Duration>,
}

/// Bounds of one process and its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Memory of the whole module, bytes.
    pub memory_bytes: Option<u64>,
    /// Open files of each process.
    pub files: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Processor, in thousandths of one.
    pub cpu_permille: Option<u64>,
    /// Frames that may wait to be read by it.
    pub queue_frames: Option<u64>,
    /// The same in bytes.
    pub queue_bytes: Option<u64>,
    /// Frames that it may send, per second.
    pub messages_per_s: Option<u64>,
    /// Calls that it may make, per second.
    pub calls_per_s: Option<u64>,
    /// Processes and threads by which it may grow, per second.
    pub births_per_s: Option<u64>,
    /// Size of a core file, bytes.
    pub core_bytes: Option<u64>,
    /// Processor time, seconds.
    pub cpu_seconds: Option<u64>,
    /// Wall-clock time of one entry into a WebAssembly module.
    pub deadline: Option<Duration>,
}

/// All of it; `None` where the file says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// How the module talks; without it, `lines` for a folder with `module.json` and `none` for a command.
    pub protocol: Option<Protocol>,
    /// Which way its frames go, if it talks.
    pub transport: Option<Transport>,
    /// What it says of the state in its memory; whether it hands state over is said by its `features`.
    pub state: Option<State>,
    /// When it is started again.
    pub restart: Option<Restart>,
    /// Who is restarted with it.
    pub strategy: Option<Strategy>,
    /// How often in a row; without it the configuration's `maxRestarts` counts.
    pub max_restarts: Option<u32>,
    /// What is done when that is used up.
    pub on_give_up: Option<OnGiveUp>,
    /// When it is ready.
    pub ready: Option<Ready>,
    /// How it is stopped.
    pub stop: Stop,
    /// Its bounds.
    pub limits: Limits,
    /// How much containment it asks for.
    pub minimum: Option<Minimum>,
    /// Where it lives; without it, `stable`.
    pub zone: Option<Zone>,
}

impl Limits {
    /// These bounds, and where there are none those of `below`.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.or(below.memory_bytes),
            files: self.files.or(below.files),
            processes: self.processes.or(below.processes),
            cpu_permille: self.cpu_permille.or(below.cpu_permille),
            queue_frames: self.queue_frames.or(below.queue_frames),
            queue_bytes: self.queue_bytes.or(below.queue_bytes),
            messages_per_s: self.messages_per_s.or(below.messages_per_s),
            calls_per_s: self.calls_per_s.or(below.calls_per_s),
            births_per_s: self.births_per_s.or(below.births_per_s),
            core_bytes: self.core_bytes.or(below.core_bytes),
            cpu_seconds: self.cpu_seconds.or(below.cpu_seconds),
            deadline: self.deadline.or(below.deadline),
        }
    }
}

impl Policy {
    /// This policy, and where it says nothing that of `below`.
    #[must_use]
    pub fn over(self, below: &Self) -> Self {
        Self {
            protocol: self.protocol.or(below.protocol),
            transport: self.transport.or(below.transport),
            state: self.state.or_else(|| below.state.clone()),
            restart: self.restart.or(below.restart),
            strategy: self.strategy.or(below.strategy),
            max_restarts: self.max_restarts.or(below.max_restarts),
            on_give_up: self.on_give_up.or_else(|| below.on_give_up.clone()),
            ready: self.ready.or_else(|| below.ready.clone()),
            stop: Stop {
                signal: self.stop.signal.or(below.stop.signal),
                grace: self.stop.grace.or(below.stop.grace),
            },
            limits: self.limits.over(below.limits),
            minimum: self.minimum.or(below.minimum),
            zone: self.zone.or(below.zone),
        }
    }
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Pipes, Self::Shm];

    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipes => "pipes",
            Self::Shm => "shm",
        }
    }
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Lines, Self::None, Self::Wasm, Self::Mcp];

    /// Its word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::None => "none",
            Self::Wasm => "wasm",
            Self::Mcp => "mcp",
        }
    }
}

impl Restart {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Always, Self::OnFailure, Self::Never];

    /// Its word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::OnFailure => "on-failure",
            Self::Never => "never",
        }
    }
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OneForOne, Self::RestForOne, Self::OneForAll];

    /// Its word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneForOne => "one_for_one",
            Self::RestForOne => "rest_for_one",
            Self::OneForAll => "one_for_all",
        }
    }
}

impl StopSignal {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Term, Self::Int, Self::Quit, Self::Hup, Self::Usr1, Self::Usr2, Self::Kill];

    /// Its word in files, as in signal(7).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Term => "SIGTERM",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Hup => "SIGHUP",
            Self::Usr1 => "SIGUSR1",
            Self::Usr2 => "SIGUSR2",
            Self::Kill => "SIGKILL",
        }
    }
}

pub(super) mod read;
