//! What actors and cores have done, read by any thread while they go on doing it.

use core::sync::atomic::Ordering;

use crate::address::{Addr, GENERATION_SHIFT, LOW_BYTE};
use crate::bound::Bound;
use crate::kind::KINDS;
use crate::platform::Core;
use crate::shared::Shared;
use crate::table::{MOVING, OVERLOADED, OWNER, PINNED};

/// One actor, at about one moment: each number is right, two of them may be some messages apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorStatistics {
    /// Who, without rights.
    pub actor: Addr,
    /// The type of the actor.
    pub kind: &'static str,
    /// Where it lives.
    pub core: Core,
    /// Messages that it has handled, modulo 2^32.
    pub handled: u32,
    /// Messages that it has sent, modulo 2^32.
    pub sent: u32,
    /// Messages that it was refused, or that were refused for it.
    pub refused: u32,
    /// Messages that wait for it.
    pub queued: u32,
    /// Its bound and policy.
    pub bound: Bound,
    /// Whether its queue reached the bound and has not come down to the half.
    pub load: Load,
    /// Times that it has panicked.
    pub panics: u32,
    /// Processor time in nanoseconds: exact for metered actors, an estimate by samples for others.
    pub cpu_ns: u64,
}

/// Whether an actor keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// It does.
    Clear,
    /// It does not: senders are told so.
    Congested,
}

/// One core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CoreStatistics {
    /// Turns, including those without work.
    pub turns: u64,
    /// Messages and timers handled.
    pub handled: u64,
    /// Messages sent to other cores.
    pub remote: u64,
    /// Messages that found nobody.
    pub dead: u64,
    /// Panics contained.
    pub panics: u64,
    /// Actors that live here.
    pub actors: u64,
    /// Messages that wait in its logs.
    pub queued: u64,
}

impl Shared {
    /// The actor that lives at a place now.
    pub(crate) fn actor_at(&self, index: u32) -> Option<ActorStatistics> {
        let table = self.table.view();
        let route = table.route(index)?.load(Ordering::Acquire);
        if route >> GENERATION_SHIFT == 0 {
            return None;
        }
        // SAFETY: a generation says that the place was taken; only atomics are read, through places of fields.
        let (head, credit, account) = unsafe {
            let slot = table.slot(index);
            (&raw const (*slot).head, table.credit(index), table.account(index))
        };
        // SAFETY: as above.
        let (kind, handled, sent, bound) =
            unsafe { (&(*head).kind, &(*head).handled, &(*head).sent, &(*head).bound) };
        let kind = KINDS.at(kind.load(Ordering::Relaxed) & !MOVING)?;
        let bound = Bound::from_bits(bound.load(Ordering::Relaxed));
        let left = i64::from(credit.load(Ordering::Relaxed));
        Some(ActorStatistics {
            actor: Addr::from_word(index, route & !LOW_BYTE).with_rights(crate::address::Rights::NONE),
            kind: (kind.name)(),
            core: Core((route & OWNER) as u8),
            handled: handled.load(Ordering::Relaxed),
            sent: sent.load(Ordering::Relaxed),
            refused: account.refused.load(Ordering::Relaxed),
            queued: u32::try_from(i64::from(bound.messages()) - left).unwrap_or(0),
            bound,
            load: if route & OVERLOADED == 0 { Load::Clear } else { Load::Congested },
            panics: account.panics.load(Ordering::Relaxed),
            cpu_ns: account.cpu_ns.load(Ordering::Relaxed),
        })
    }

    /// Whether an actor was spawned to stay where it is.
    pub(crate) fn is_pinned(&self, actor: Addr) -> bool {
        // SAFETY: only places that were taken have a life; an atomic.
        self.lives(actor)
            && unsafe {
                let head = &raw const (*self.table.view().slot(actor.index())).head;
                (*head).bound.load(Ordering::Relaxed) & PINNED != 0
            }
    }

    pub(crate) fn core_statistics(&self, core: Core) -> Option<CoreStatistics> {
        let counters = &self.ports.get(core.index())?.counters;
        Some(CoreStatistics {
            turns: counters.turns.load(Ordering::Relaxed),
            handled: counters.handled.load(Ordering::Relaxed),
            remote: counters.remote.load(Ordering::Relaxed),
            dead: counters.dead.load(Ordering::Relaxed),
            panics: counters.panics.load(Ordering::Relaxed),
            actors: counters.actors.load(Ordering::Relaxed),
            queued: counters.queued.load(Ordering::Relaxed),
        })
    }
}
