//! Why an instance could not be made or entered, or was dropped: what trapped, in which of the guest's functions.

use std::fmt;
use std::time::Duration;

use abi::Explain;
use wasmtime::{Trap, WasmBacktrace};

use crate::limits::kept;
use crate::state::Bound;

/// 16 names of a backtrace are kept: the innermost ones, which say what happened.
pub const FRAMES_KEPT: usize = 16;

/// 96 bytes of each name: mangled names are long, and their beginnings say enough.
pub const FRAME_NAME_BYTES: usize = 96;

/// What was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPoint {
    /// The start of the instance itself.
    Instantiate,
    /// `init`.
    Init,
    /// `on-message`.
    Message,
    /// `on-call`.
    Call,
    /// `health`.
    Health,
    /// `save-state`.
    Save,
    /// `restore-state`.
    Restore,
    /// `shutdown`.
    Shutdown,
    /// `run` of a command.
    Run,
}

impl EntryPoint {
    /// Its name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instantiate => "instantiate",
            Self::Init => "init",
            Self::Message => "on-message",
            Self::Call => "on-call",
            Self::Health => "health",
            Self::Save => "save-state",
            Self::Restore => "restore-state",
            Self::Shutdown => "shutdown",
            Self::Run => "run",
        }
    }
}

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The names of the guest's functions, innermost first. Bounded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frames(pub Vec<String>);

impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, frame) in self.0.iter().enumerate() {
            write!(f, "{}`{frame}`", if at == 0 { " in " } else { " < " })?;
        }
        Ok(())
    }
}

/// Why an instance can't be entered or is no more. It is gone unless [`Fault::is_survivable`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The guest did what can't be done.
    #[error("{entry} trapped: {what}{frames}{}", after(.bound))]
    Trapped {
        /// Where it was entered.
        entry: EntryPoint,
        /// What it did.
        what: String,
        /// Where it was.
        frames: Frames,
        /// A bound that it had run into before.
        bound: Option<Bound>,
    },
    /// Its wall-clock time was over.
    #[error("{entry} took longer than its deadline of {deadline:?}{frames}")]
    Deadline {
        /// Where it was entered.
        entry: EntryPoint,
        /// What it had.
        deadline: Duration,
        /// Where it was.
        frames: Frames,
    },
    /// Its instructions were used up.
    #[error("{entry} used up its {fuel} units of fuel{frames}")]
    Fuel {
        /// Where it was entered.
        entry: EntryPoint,
        /// What it had.
        fuel: u64,
        /// Where it was.
        frames: Frames,
    },
    /// It needs more than its limits from the start.
    #[error("it could not be instantiated: {what}{}", after(.bound))]
    NotMade {
        /// What is missing.
        what: String,
        /// The bound that it ran into.
        bound: Option<Bound>,
    },
    /// It ended itself through WASI.
    #[error("{entry} left with exit code {code}")]
    Exited {
        /// Where it was entered.
        entry: EntryPoint,
        /// Its own code.
        code: i32,
    },
    /// It answered with more than may be.
    #[error("{entry} answered with {bytes} bytes; at most {max} are taken")]
    Answer {
        /// Where it was entered.
        entry: EntryPoint,
        /// Found.
        bytes: usize,
        /// Allowed.
        max: usize,
    },
    /// What should be handed in is too large; the instance was not entered.
    #[error("a payload of {bytes} bytes is above the {max} that an instance takes")]
    Oversize {
        /// Found.
        bytes: usize,
        /// Allowed.
        max: usize,
    },
    /// It waits for an answer; the instance was not entered.
    #[error("it waits for an answer and can't be entered")]
    Busy,
    /// No answer is waited for under that number.
    #[error("it does not wait for that answer")]
    NotWaiting,
    /// It was dropped earlier.
    #[error("it was dropped after an earlier fault")]
    Gone,
    /// Its host may not wait here, because something else runs on this thread.
    #[error("{entry} may wait for files or timers and was entered from inside of an executor")]
    WrongThread {
        /// Where it was entered.
        entry: EntryPoint,
    },
}

impl Fault {
    /// Whether the instance lives on.
    pub fn is_survivable(&self) -> bool {
        matches!(self, Self::Oversize { .. } | Self::Busy | Self::NotWaiting | Self::WrongThread { .. })
    }
}

impl Explain for Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::Trapped { .. } => "wasm::instance::trapped",
            Self::Deadline { .. } => "wasm::instance::deadline",
            Self::Fuel { .. } => "wasm::instance::fuel",
            Self::NotMade { .. } => "wasm::instance::not_made",
            Self::Exited { .. } => "wasm::instance::exited",
            Self::Answer { .. } => "wasm::instance::answer_too_large",
            Self::Oversize { .. } => "wasm::instance::payload_too_large",
            Self::Busy => "wasm::instance::busy",
            Self::NotWaiting => "wasm::instance::not_waiting",
            Self::Gone => "wasm::instance::gone",
            Self::WrongThread { .. } => "wasm::instance::wrong_thread",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Trapped { bound: Some(_), .. } | Self::NotMade { bound: Some(_), .. } => {
                Some("give the module more memory in its limits, or make it use less".to_owned())
            }
            Self::Deadline { .. } => Some(
                "long work belongs into several entries, or the module needs a longer deadline".to_owned(),
            ),
            Self::Trapped { .. }
            | Self::Fuel { .. }
            | Self::NotMade { .. }
            | Self::Exited { .. }
            | Self::Answer { .. }
            | Self::Oversize { .. }
            | Self::Busy
            | Self::NotWaiting
            | Self::Gone
            | Self::WrongThread { .. } => None,
        }
    }
}

/// A host function's own reason to end a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostStop {
    /// The entry's time was over when the host function had ended.
    #[error("the deadline passed in a host function")]
    Late,
}

/// What wasmtime's error means for an entry.
pub(crate) fn of(
    error: &wasmtime::Error,
    entry: EntryPoint,
    deadline: Duration,
    fuel: u64,
    bound: Option<Bound>,
) -> Fault {
    let frames = frames_of(error);
    if error.downcast_ref::<HostStop>().is_some() {
        return Fault::Deadline { entry, deadline, frames };
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Fault::Exited { entry, code: exit.0 };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => Fault::Deadline { entry, deadline, frames },
        Some(Trap::OutOfFuel) => Fault::Fuel { entry, fuel, frames },
        Some(trap) => Fault::Trapped { entry, what: trap.to_string(), frames, bound },
        None if entry == EntryPoint::Instantiate => Fault::NotMade { what: root_of(error), bound },
        None => Fault::Trapped { entry, what: root_of(error), frames, bound },
    }
}

fn after(bound: &Option<Bound>) -> String {
    bound.map_or_else(String::new, |bound| format!(" (it had run into {bound})"))
}

/// The innermost cause, which says what happened; the outer ones only repeat where.
fn root_of(error: &wasmtime::Error) -> String {
    kept(&error.root_cause().to_string()).to_owned()
}

fn frames_of(error: &wasmtime::Error) -> Frames {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Frames::default();
    };
    let name_of = |frame: &wasmtime::FrameInfo| {
        let name = match frame.func_name() {
            Some(name) => cut(name).to_owned(),
            None => format!("function {}", frame.func_index()),
        };
        // Where in the file: what a person looks up with `wasm-objdump` or in a source map.
        match frame.module_offset() {
            Some(offset) => format!("{name} @{offset:#x}"),
            None => name,
        }
    };
    Frames(backtrace.frames().iter().take(FRAMES_KEPT).map(name_of).collect())
}

fn cut(name: &str) -> &str {
    let mut end = name.len().min(FRAME_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
