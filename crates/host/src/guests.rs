//! WebAssembly modules: they live in this process, on threads of their own, as actors that speak the module door.
//!
//! # The flow
//! ```text
//! Spawn ─► maker thread: read, check, compile, instantiate ─► actor in a hall ─► News::Made ─► Spawned
//!
//! kernel's thread                               hall (a thread)
//!   Outgoing ──Frame, bounded──► Resident ──► Instance ──► guest's exports
//!   Said     ◄──News, bounded─── Resident ◄── Services ◄── guest's imports
//!                                    └─ dropped, for whatever reason ─► News::Left ─► Exited
//! ```
//! To the kernel such a module is as any other: the same frames as values instead of lines, the same proxies, the same
//! permissions, deadlines, restarts. No pipe, no process, no encoding lies in between.
//!
//! # Who may touch what
//! The kernel's thread owns [`Guests`] and every [`Guest`]; a guest is entered by its hall's thread alone. Between them
//! go frames and news, each with a place in a bounded [`post::Room`]. Nothing on the kernel's thread waits for a guest;
//! a guest whose answers are not taken waits on its own thread.
//!
//! # Shutdown
//! As for processes: `shutdown`, the grace, then `Shell::signal_guest` with a kill, which ends even a guest that loops
//! within some milliseconds. What is still being made is not waited for.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use abi::{Generation, Slot, Wall};
use actor::Addr;
use actor::blocking::Blocking;
use actor::hosted::Running;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use wasm::{Engine, EngineError, EngineOptions, Stop};

use crate::files::blueprint::Blueprint;
use crate::governor::Held;

mod command;
mod frames;
mod hear;
mod heed;
mod launch;
mod make;
mod post;
mod resident;
mod services;
mod swap;

use post::{Letter, Room};
use resident::Frame;
use services::Shared;
use swap::Begun;

pub(crate) use frames::json_of;
pub(crate) use swap::SwapDone;

/// 1,000 WebAssembly modules run at once: each has memory in the kernel's own process.
pub(crate) const GUESTS_MAX: usize = 1_000;

/// Two instances for each module: while one takes the other's place, both are there.
const INSTANCES_MAX: u32 = 2 * GUESTS_MAX as u32;

/// 32 halls. Up to here every module has a thread of its own, so that one which computes delays no other; the next ones
/// share, and wait for each other up to their deadlines.
const HALLS_MAX: usize = 32;

/// 4 modules are made at once: compiling is bounded to two by itself, and start-up code that loops must not hold up all.
const MAKERS_MAX: usize = 4;

/// 64 plain commands at once, each of which keeps a thread.
const COMMANDS_MAX: usize = 64;

/// 1,024 actors in one hall at the most: all guests fit into the last one.
const HALL_ACTORS_MAX: u32 = 1_024;

const _: () = assert!(GUESTS_MAX <= HALL_ACTORS_MAX as usize, "whoever has to share finds a place");

/// A WebAssembly module's life, as the kernel's thread has it.
pub(crate) struct Guest {
    pub(crate) generation: Generation,
    pub(crate) started: Wall,
    /// What it was made from.
    blueprint: Rc<Blueprint>,
    /// What its file was when its code was taken.
    code: u64,
    pub(crate) stage: Stage,
    /// Looks at whether a plain command is ready; they end with it.
    pub(crate) tasks: Vec<AbortHandle>,
    /// A text that shows that it is ready, while that is waited for.
    pub(crate) awaited_text: Option<String>,
    /// Its hall, by its place in the list; none for a plain command.
    hall: Option<usize>,
    /// How tight the governor holds it.
    pub(crate) held: Held,
    /// What it said and has not paid for.
    unheard: VecDeque<Letter>,
}

/// How far it has come.
pub(crate) enum Stage {
    /// A thread makes it.
    Making,
    /// It can be spoken to.
    Living(Living),
    /// A plain command runs.
    Running(Stop),
}

/// The way to a resident.
#[derive(Clone)]
pub(crate) struct Living {
    system: actor::System,
    address: actor::Address<Frame>,
    inbox: Arc<Room>,
    shared: Arc<Shared>,
    stop: Stop,
}

impl Drop for Guest {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stage = match self.stage {
            Stage::Making => "making",
            Stage::Living(_) => "living",
            Stage::Running(_) => "running",
        };
        f.debug_struct("Guest")
            .field("generation", &self.generation)
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}

/// A thread with its actors.
struct Hall {
    running: Running,
    residents: usize,
}

/// The engine, made when the first module needs it: a kernel without one pays nothing.
#[derive(Clone, Default)]
struct Lazy(Arc<Mutex<Option<Engine>>>);

impl Lazy {
    fn get(&self) -> Result<Engine, EngineError> {
        let mut engine = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*engine {
            return Ok(engine.clone());
        }
        let options = EngineOptions { instances_max: INSTANCES_MAX, ..EngineOptions::STANDARD };
        let made = Engine::try_new(options)?;
        Ok(engine.insert(made).clone())
    }
}

/// Everything that WebAssembly modules share on the kernel's side.
pub(crate) struct Guests {
    engine: Lazy,
    makers: Option<Blocking>,
    halls: Vec<Hall>,
    letters: Option<mpsc::UnboundedSender<Letter>>,
    /// Lives that are being made or run.
    guests: usize,
    commands: usize,
    /// Who waits for the end of a swap.
    swaps: BTreeMap<(Slot, Generation), VecDeque<Begun>>,
}

impl Guests {
    pub(crate) fn new() -> Self {
        Self {
            engine: Lazy::default(),
            makers: None,
            halls: Vec::new(),
            letters: None,
            guests: 0,
            commands: 0,
            swaps: BTreeMap::new(),
        }
    }

    /// Whether a guest has its thread to itself.
    pub(crate) fn is_alone(&self, guest: &Guest) -> bool {
        let hall = guest.hall.and_then(|at| self.halls.get(at));
        hall.is_none_or(|hall| hall.residents == 1)
    }

    /// The actor systems of the halls, by their names.
    pub(crate) fn systems(&self) -> impl Iterator<Item = (String, &actor::System)> {
        self.halls.iter().enumerate().map(|(at, hall)| (format!("wasm-{at}"), hall.running.system()))
    }
}

impl Guest {
    /// Where its actor is.
    pub(crate) fn address(&self) -> Option<(usize, Addr)> {
        match &self.stage {
            Stage::Living(living) => Some((self.hall?, living.address.addr())),
            Stage::Making | Stage::Running(_) => None,
        }
    }

    /// Bounded frames that may wait for it.
    pub(crate) fn bound_frames(&self, frames_max: usize) {
        if let Stage::Living(living) = &self.stage {
            living.inbox.bound_frames(frames_max);
        }
    }

    /// Frames that wait for it, and their bytes.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        match &self.stage {
            Stage::Living(living) => living.inbox.used(),
            Stage::Making | Stage::Running(_) => (0, 0),
        }
    }

    /// Ends what runs in it, or paces it; nothing before it is made.
    pub(crate) fn stop(&self) -> Option<&Stop> {
        match &self.stage {
            Stage::Making => None,
            Stage::Living(living) => Some(&living.stop),
            Stage::Running(stop) => Some(stop),
        }
    }

    /// Processor time in milliseconds and bytes of linear memory.
    pub(crate) fn used(&self) -> Option<crate::usage::Used> {
        let Stage::Living(living) = &self.stage else { return None };
        let cpu_ms = u64::try_from(living.stop.worked().as_millis()).unwrap_or(u64::MAX);
        Some(crate::usage::Used { cpu_ms, rss_bytes: living.shared.memory_bytes() })
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        // The process ends right after this. A thread that still compiles, or runs somebody's start-up code, can't be
        // ended from here and holds nothing that outlives the process, so it is not waited for.
        std::mem::forget(self.makers.take());
        std::mem::forget(std::mem::take(&mut self.halls));
    }
}

impl std::fmt::Debug for Guests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guests")
            .field("guests", &self.guests)
            .field("halls", &self.halls.len())
            .finish_non_exhaustive()
    }
}
