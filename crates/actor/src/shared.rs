//! What all cores of a system have in common: the table, the doors to each core, and the settings.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::address::{GENERATION_MAX, GENERATION_SHIFT};
use crate::bound::Bound;
use crate::inject::Inject;
use crate::lock::Lock;
use crate::message::{Line, discard};
use crate::park::Sleeper;
use crate::platform::{Core, Platform};
use crate::table::{ACTORS_MAX, BLOCK_ACTORS, Table};

/// Cores of one system: the routing word has seven bits for the owner.
pub const SYSTEM_CORES_MAX: usize = 128;

/// Freed places wait behind this many others before they are taken again, so that generations grow slowly.
const QUARANTINE: usize = 1024;

/// How a system is built.
#[derive(Debug, Clone)]
pub struct Config {
    /// Cores, one shard each, 1 to [`SYSTEM_CORES_MAX`].
    pub cores: usize,
    /// Actors that may live at once, up to [`ACTORS_MAX`]; 1,048,576 by default. Memory is taken as they come.
    pub actors_max: u32,
    /// Entries of each ring between two cores, a power of two.
    pub ring_entries: usize,
    /// Messages that a core handles before it looks at its rings, timers and other lanes. 16 to 4096.
    pub turn_messages: u32,
    /// Timers and open questions per core that may wait at once.
    pub timers_max: usize,
    /// The bound of actors that don't say otherwise.
    pub bound: Bound,
    /// Whether cores that are behind move actors to others.
    pub balance: crate::migrate::Balance,
    /// Where the actors' random numbers and the deterministic order start.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cores: 1,
            actors_max: 1 << 20,
            ring_entries: crate::ring::RING_ENTRIES_DEFAULT,
            turn_messages: 128,
            timers_max: 1 << 20,
            bound: Bound::default(),
            balance: crate::migrate::Balance::ByLoad,
            seed: 1,
        }
    }
}

impl Config {
    /// With every number brought into its range.
    pub(crate) fn kept_in_range(mut self) -> Self {
        self.cores = self.cores.clamp(1, SYSTEM_CORES_MAX);
        self.actors_max = self.actors_max.clamp(1, ACTORS_MAX);
        self.turn_messages = self.turn_messages.clamp(16, 4096);
        self
    }
}

/// The part of the platform that shards use, so that they need not be generic.
pub(crate) trait Ground: Send + Sync {
    fn now(&self) -> u64;
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "who drives a bare machine parks it"))]
    fn park(&self, core: Core, until: Option<u64>);
    fn unpark(&self, core: Core);
}

impl<P: Platform> Ground for P {
    fn now(&self) -> u64 {
        Platform::now(self)
    }

    fn park(&self, core: Core, until: Option<u64>) {
        Platform::park(self, core, until);
    }

    fn unpark(&self, core: Core) {
        Platform::unpark(self, core);
    }
}

/// What one core has done; written by it, read by anyone.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    pub(crate) turns: AtomicU64,
    pub(crate) handled: AtomicU64,
    pub(crate) remote: AtomicU64,
    pub(crate) dead: AtomicU64,
    pub(crate) panics: AtomicU64,
    pub(crate) actors: AtomicU64,
    pub(crate) queued: AtomicU64,
}

/// The doors to one core.
pub(crate) struct Port {
    pub(crate) sleeper: Sleeper,
    pub(crate) inject: Inject<Line>,
    pub(crate) counters: Counters,
    /// Places for those who spawn here from elsewhere.
    pub(crate) outside: Lock<Places>,
}

/// Whether a system runs.
pub(crate) mod phase {
    pub(crate) const RUNNING: u8 = 0;
    /// Every core ends its actors and leaves.
    pub(crate) const STOPPING: u8 = 1;
    /// Nothing is accepted from outside; the actors work on.
    pub(crate) const DRAINING: u8 = 2;
}

/// One per system.
pub(crate) struct Shared {
    pub(crate) table: Table,
    pub(crate) ports: Box<[Port]>,
    pub(crate) ground: Box<dyn Ground>,
    pub(crate) phase: AtomicU8,
    pub(crate) config: Config,
    /// The tag of messages that are part of a request.
    pub(crate) envelope_tag: u32,
    /// For threads that send from outside while actors move.
    pub(crate) grace: crate::grace::Grace,
    /// Names, groups and the like: nothing of it is on the way of a message.
    pub(crate) commons: crate::commons::Commons,
}

impl Shared {
    /// Wakes a core for what was just put into its queue from outside.
    pub(crate) fn wake(&self, core: usize) {
        if let Some(port) = self.ports.get(core)
            && port.sleeper.wake()
        {
            self.ground.unpark(Core(core as u8));
        }
    }

    /// Whether the actor has not ended.
    pub(crate) fn lives(&self, actor: crate::address::Addr) -> bool {
        let Ok(actor) = self.resolve(actor) else { return false };
        let route = self.table.view().route(actor.index()).map_or(0, |route| route.load(Ordering::Acquire));
        route & !crate::address::LOW_BYTE == actor.word()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == phase::STOPPING
    }

    /// Whether messages and actors are accepted from outside.
    pub(crate) fn is_open(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == phase::RUNNING
    }

    /// How often each core has taken a turn, if all sleep and nothing waits at their doors.
    #[cfg(feature = "std")]
    fn turns_if_asleep(&self) -> Option<Vec<u64>> {
        let turns = |port: &Port| {
            let rests = port.sleeper.should_sleep() && port.inject.is_empty();
            rests.then(|| port.counters.turns.load(Ordering::Relaxed))
        };
        self.ports.iter().map(turns).collect()
    }

    /// Whether nothing is left to do but timers. A core publishes its turns before it sleeps, and one that was woken
    /// between the two looks is awake or has taken a turn, so what one core sent to another is not overlooked.
    #[cfg(feature = "std")]
    pub(crate) fn is_at_rest(&self) -> bool {
        let before = self.turns_if_asleep();
        core::sync::atomic::fence(Ordering::SeqCst);
        before.is_some() && before == self.turns_if_asleep()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut left = Vec::new();
        for port in &self.ports {
            port.inject.take_all(&mut left);
        }
        for mut line in left {
            // SAFETY: lines are injected with a payload of their tag, and these were taken by nobody else.
            unsafe { discard(line.header.tag, line.payload.as_mut_ptr().cast()) };
        }
    }
}

/// Places of the table that one spawner may fill: some fresh, some freed and waiting.
#[derive(Debug, Default)]
pub(crate) struct Places {
    fresh: u32,
    fresh_end: u32,
    freed: VecDeque<u32>,
}

impl Places {
    /// A place nobody has; none when the system's bound is reached.
    #[inline]
    pub(crate) fn take(&mut self, table: &Table) -> Option<u32> {
        if self.fresh == self.fresh_end {
            if self.freed.len() > QUARANTINE {
                return self.freed.pop_front();
            }
            let Some(first) = table.take_block() else { return self.freed.pop_front() };
            (self.fresh, self.fresh_end) = (first, first + BLOCK_ACTORS);
        }
        self.fresh += 1;
        Some(self.fresh - 1)
    }

    /// A place whose actor ended, its slot's word already of the next generation. Retired if that was the last one.
    pub(crate) fn give(&mut self, index: u32, next_word: u32) {
        if next_word >> GENERATION_SHIFT < GENERATION_MAX {
            self.freed.push_back(index);
        }
    }

    /// Whether there are more freed places than are needed here: others may have the next.
    pub(crate) fn is_rich(&self) -> bool {
        self.freed.len() > 2 * QUARANTINE
    }
}
