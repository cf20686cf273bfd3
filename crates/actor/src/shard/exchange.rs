//! The shard's side of a hot swap: pausing an actor with its new state at hand, and going on with either of the two.

use core::sync::atomic::Ordering;

use super::bonds::{Body, bare};
use super::{Shard, Urgency};
use crate::address::{Addr, Address};
use crate::contain::contain;
use crate::message::Lane;
use crate::swap::{Change, Preparing, Ready, Unswapped};
use crate::table::flag;

/// An actor that waits for its swap.
pub(super) struct Paused {
    change: Change,
    /// Who has told it to wait.
    pub(super) swapper: Addr,
    /// Whether somebody had suspended it, or has meanwhile.
    pub(super) otherwise: Otherwise,
}

/// What becomes of an actor when its swap is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    GoesOn,
    StaysSuspended,
}

impl Shard {
    /// Pauses an actor and makes its new state.
    pub(super) fn prepare(&mut self, actor: Addr, order: Preparing) {
        let Preparing { mut change, ready, number } = order;
        let outcome = self.try_prepare(actor, &mut change);
        if outcome.is_ok() {
            // SAFETY: an actor of this core; an atomic.
            let word = unsafe { (*self.table.slot(actor.index())).head.word.bits() };
            let was = word & flag::SUSPENDED != 0;
            let otherwise = if was { Otherwise::StaysSuspended } else { Otherwise::GoesOn };
            self.set_flag(actor.index(), flag::SUSPENDED);
            self.bonds.pause(actor.index(), Paused { change, swapper: bare(ready.addr()), otherwise });
        }
        self.say_ready(ready, Ready { number, outcome });
    }

    pub(super) fn say_ready(&mut self, to: Address<Ready>, ready: Ready) {
        // SAFETY: an address carries the tag of its type.
        let _ = unsafe { self.send(to.addr(), to.tag(), Lane::System, Urgency::Insist, ready) };
    }

    fn try_prepare(&mut self, actor: Addr, change: &mut Change) -> Result<(), Unswapped> {
        // SAFETY: an actor of this core.
        let slot = unsafe { self.table.slot(actor.index()) };
        // SAFETY: atomics of a slot of this core.
        let (word, number) = unsafe { ((*slot).head.word.bits(), (*slot).head.kind.load(Ordering::Relaxed)) };
        let kind = self.known_kind(number).and_then(|known| known.kind).ok_or(Unswapped::Gone)?;
        if word & flag::FAILED != 0 || self.bonds.is_paused(actor.index()) {
            return Err(Unswapped::Busy);
        }
        if (kind.id)() != change.changes.old() {
            return Err(Unswapped::WrongKind);
        }
        let mut outcome = Err(Unswapped::Panicked);
        // SAFETY: the place of a field of a slot that exists.
        let state = unsafe { (&raw mut (*slot).state).cast::<u8>() };
        // SAFETY: the kind was found by the slot, whose state is whole since it has not failed; no handler runs.
        let _ = contain(|| outcome = unsafe { change.changes.prepare(state) });
        outcome
    }

    /// Goes on with the new state.
    pub(super) fn commit(&mut self, actor: Addr, swapper: Addr) {
        let index = actor.index();
        let Some(Paused { mut change, otherwise, .. }) = self.bonds.unpause(index, swapper) else { return };
        // SAFETY: an actor of this core.
        let slot = unsafe { self.table.slot(index) };
        // SAFETY: the place of a field of a slot that exists.
        let state = unsafe { (&raw mut (*slot).state).cast::<u8>() };
        let (number, again) = if self.bonds.body(index) == Body::Whole {
            self.drop_state_at(slot);
            // SAFETY: the state was dropped just now.
            unsafe { change.changes.settle(state) }
        } else {
            change.changes.bare()
        };
        // SAFETY: an atomic of a slot of this core.
        unsafe { (*slot).head.kind.store(number, Ordering::Relaxed) };
        self.again.remove(&index);
        if let Some(again) = again {
            self.again.insert(index, again);
        }
        self.go_on(actor, otherwise);
        self.drop_change(change);
    }

    /// Goes on with the old state.
    pub(super) fn abort(&mut self, actor: Addr, swapper: Addr) {
        let Some(Paused { change, otherwise, .. }) = self.bonds.unpause(actor.index(), swapper) else {
            return;
        };
        self.go_on(actor, otherwise);
        self.drop_change(change);
    }

    /// A state that was not used may panic when it is dropped; that is nobody's failure.
    fn drop_change(&mut self, change: Change) {
        if contain(|| drop(change)) == super::fate::Outcome::Panicked {
            self.tally.panics += 1;
        }
    }

    fn go_on(&mut self, actor: Addr, otherwise: Otherwise) {
        if otherwise == Otherwise::GoesOn {
            self.release(actor, flag::SUSPENDED);
        }
    }
}
