//! One core's part of a system: it owns actors, keeps the logs of their messages, and runs them.
//!
//! # How a turn goes
//! What outside threads injected is put into the logs; rings from other cores are read and their messages handled where
//! they lie; timers that are due fire; the system lane is emptied; then each other lane gets its share. At the end what
//! didn't fit into rings is tried again and each core that was sent something is woken if it sleeps.
//!
//! # States
//! A shard belongs to one thread at a time and is driven from outside by [`Shard::turn`], by a loop of threads
//! ([`crate::hosted`]), by a foreign event loop ([`crate::pumped`]), or in an order drawn by lot ([`crate::dice`]).

mod admit;
mod ask;
mod balance;
pub(crate) mod bonds;
pub(crate) mod control;
mod dispatch;
mod exchange;
pub(crate) mod fate;
mod lot;
mod luggage;
mod meter;
mod moving;
mod news;
mod requests;
mod share;
mod spawn;
mod tell;
mod timers;
mod turn;
mod watching;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::ptr::null_mut;

pub(crate) use admit::{Urgency, Way};
use ask::Asks;
pub(crate) use ask::Waits;
pub use spawn::Spawn;
pub(crate) use spawn::{Again, furnish};
pub(crate) use timers::Timer;
pub use timers::TimerId;
pub use turn::Did;

use crate::address::Addr;
use crate::deferred::Deferred;
use crate::kind::Kind;
use crate::life::Warden;
use crate::log::{Chunks, Log};
use crate::message::{LANES, Lane, Line, Packet, tag_of};
use crate::park::WakeDebt;
use crate::ring::{Consumer, Producer};
use crate::shared::{Places, Shared};
use crate::sync::Arc;
use crate::table::{Head, View};
use crate::trace::TraceWriter;
use crate::tracing::Running;
use crate::wheel::Wheel;
use control::Control;

/// A kind as this shard knows it.
#[derive(Clone, Copy)]
pub(crate) struct KnownKind {
    /// The tag of the messages that it takes; 0, which no message has, while the kind is not known here.
    tag: u32,
    handle: unsafe fn(*mut u8, *mut u8, &mut crate::Context<'_>),
    kind: Option<&'static Kind>,
}

/// The way to another core.
pub(crate) struct Link {
    producer: Producer<Packet>,
    /// What the ring had no room for, in order.
    overflow: VecDeque<Packet>,
    debt: WakeDebt,
}

/// The actor whose turn it is.
#[derive(Clone, Copy)]
pub(crate) struct Current {
    pub(crate) index: u32,
    pub(crate) head: *mut Head,
    pub(crate) lane: Lane,
}

/// Nobody's turn.
const NOBODY: u32 = u32::MAX;

/// What is to be done when the handler has returned.
mod after {
    /// The actor stops.
    pub(super) const STOP: u32 = 1;
    /// It was told on already in this activation.
    pub(super) const PRESSED: u32 = 1 << 2;
    /// It has begun a request.
    pub(super) const TRACED: u32 = 1 << 3;
    /// Nothing more in this turn.
    pub(super) const YIELD: u32 = 1 << 1;
}

/// A core's actors and messages.
pub struct Shard {
    pub(crate) core: u32,
    pub(crate) current: Current,
    after: u32,
    kinds: Vec<KnownKind>,
    lanes: [Log; LANES],
    chunks: Chunks,
    stage: tell::Stage,
    /// There is no other core.
    is_alone: bool,
    pub(crate) shared: Arc<Shared>,
    /// Of `shared`, at hand.
    table: View,
    links: Vec<Option<Link>>,
    incoming: Vec<Option<Consumer<Packet>>>,
    control_tag: u32,
    relocation_tag: u32,
    last_kind: (*const Kind, u32, u32),
    pub(crate) places: Places,
    deferred: Deferred,
    /// Actors of this core that were not told yet that they started.
    fresh: VecDeque<Addr>,
    /// Actors whose deferred messages are to be given to them.
    replays: VecDeque<Addr>,
    /// Who waits until a congested actor's queue is down.
    muted_by: BTreeMap<u32, Vec<Addr>>,
    /// How to make actors again that were spawned with a factory.
    again: BTreeMap<u32, Again>,
    asks: Asks,
    /// Actors on their way from and to this core.
    moves: moving::Moves,
    balance: balance::Balancing,
    /// Links, watches, supervisors and names of this core's actors.
    pub(crate) bonds: bonds::Bonds,
    wheel: Wheel<Timer>,
    pub(crate) now: u64,
    warden: Option<Box<dyn Warden>>,
    /// What this core does, and the requests in it.
    pub(crate) happenings: Option<TraceWriter>,
    pub(crate) spans: Option<TraceWriter>,
    /// What the handler that runs is part of.
    pub(crate) running: Running,
    /// What a routing word says below the generation when a message may take the short way.
    key: u64,
    injected: Vec<Line>,
    lots: lot::Lots,
    pub(crate) random: u64,
    tally: Tally,
    /// Messages that the last look at a ring found before it was empty.
    burst: u32,
    unclocked: u32,
    unsampled: u32,
}

/// Counts of the running turn and totals, copied to the shared counters now and then.
#[derive(Default)]
struct Tally {
    turns: u64,
    handled: u64,
    remote: u64,
    dead: u64,
    panics: u64,
    actors: u64,
}

// SAFETY: a shard's raw pointers lead to slots that its core owns and to chunks of its own logs; actors and messages
// are `Send`, and the shard is used by one thread at a time, because all of its functions take `&mut self`.
unsafe impl Send for Shard {}

impl Shard {
    pub(crate) fn new(
        core: u32,
        shared: Arc<Shared>,
        producers: Vec<Option<Producer<Packet>>>,
        incoming: Vec<Option<Consumer<Packet>>>,
        warden: Box<dyn Warden>,
    ) -> Self {
        let link = |producer| Link { producer, overflow: VecDeque::new(), debt: WakeDebt::default() };
        let seed = shared.config.seed.wrapping_add(u64::from(core)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self {
            core,
            current: Current { index: NOBODY, head: null_mut(), lane: Lane::Normal },
            after: 0,
            kinds: Vec::new(),
            lanes: [const { Log::new() }; LANES],
            chunks: Chunks::default(),
            stage: tell::Stage::default(),
            is_alone: !incoming.iter().any(Option::is_some),
            links: producers.into_iter().map(|producer| producer.map(link)).collect(),
            incoming,
            control_tag: tag_of::<Control>(),
            relocation_tag: tag_of::<moving::Relocation>(),
            last_kind: (core::ptr::null(), 0, 0),
            places: Places::default(),
            deferred: Deferred::default(),
            fresh: VecDeque::new(),
            replays: VecDeque::new(),
            muted_by: BTreeMap::new(),
            again: BTreeMap::new(),
            asks: Asks::of_core(core),
            moves: moving::Moves::default(),
            balance: balance::Balancing::default(),
            bonds: bonds::Bonds::default(),
            wheel: Wheel::new(shared.config.timers_max),
            now: shared.ground.now(),
            warden: Some(warden),
            happenings: None,
            spans: None,
            running: Running::default(),
            key: u64::from(core),
            injected: Vec::new(),
            lots: lot::Lots::default(),
            random: seed,
            tally: Tally::default(),
            burst: 0,
            unclocked: 0,
            unsampled: 0,
            table: shared.table.view(),
            shared,
        }
    }

    /// Which core this is.
    pub fn core(&self) -> crate::platform::Core {
        crate::platform::Core(self.core as u8)
    }

    /// The next number of this shard's sequence (xorshift); the same in each run with the same seed.
    #[inline]
    pub(crate) fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

impl core::fmt::Debug for Shard {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Shard({}, {} actors)", self.core, self.tally.actors)
    }
}
