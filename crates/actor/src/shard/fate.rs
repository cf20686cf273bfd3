//! How actors end: stopped, killed, panicked; and how one that panicked is made again.

use alloc::boxed::Box;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use super::Shard;
use super::bonds::Body;
use crate::address::{Addr, GENERATION_SHIFT, LOW_BYTE};
use crate::bound::Bound;
use crate::contain::contain;
use crate::context::Context;
use crate::deferred::NONE;
use crate::kind::{Kind, Starts};
use crate::life::{Exit, Failure, Reason, Restart, StopAll, Verdict, Warden};
use crate::message::Lane;
use crate::table::{MOVING, Slot, bump, flag};
use crate::tracing::Record;

impl Shard {
    fn kind_at(&mut self, slot: *mut Slot) -> Option<&'static Kind> {
        // SAFETY: an atomic of a slot that exists.
        let number = unsafe { (*slot).head.kind.load(Ordering::Relaxed) };
        // At shutdown an actor may be on its way.
        self.known_kind(number & !MOVING)?.kind
    }

    /// Runs something of an actor in its own name; whether it returned.
    fn run_apart(
        &mut self,
        index: u32,
        slot: *mut Slot,
        act: impl FnOnce(*mut u8, &mut Context<'_>),
    ) -> Outcome {
        // SAFETY: places of fields of a slot that exists.
        let (head, state) = unsafe { (&raw mut (*slot).head, (&raw mut (*slot).state).cast::<u8>()) };
        let before = self.current;
        self.current.index = index;
        self.current.head = head;
        self.current.lane = Lane::Normal;
        let outcome = contain(|| act(state, &mut Context::new(self)));
        self.end_begun_span();
        self.current = before;
        outcome
    }

    /// Calls `started` for an actor that was spawned, if that has not been done and it still lives.
    pub(super) fn start_new(&mut self, actor: Addr) {
        // SAFETY: a place that was taken; an atomic, since the place may have another life by now.
        let word = unsafe { &(*self.table.slot(actor.index())).head.word };
        if word.bits() & !LOW_BYTE == actor.word() && word.bits() & flag::NEW != 0 && self.owns(actor) {
            word.remove(flag::NEW);
            self.start(actor.index());
        }
    }

    /// Whether an actor of this core has not ended.
    pub(super) fn is_alive(&self, actor: Addr) -> bool {
        // SAFETY: a place that was taken; an atomic, since the place may have another life by now.
        unsafe { (*self.table.slot(actor.index())).head.word.bits() & !LOW_BYTE == actor.word() }
    }

    /// Calls `started` for all that were spawned on this core since the last time.
    pub(super) fn start_fresh(&mut self) {
        while let Some(actor) = self.fresh.pop_front() {
            self.tally.handled += 1;
            self.start_new(actor);
        }
    }

    /// Calls `started`.
    pub(super) fn start(&mut self, index: u32) {
        // SAFETY: an actor of this core.
        let slot = unsafe { self.table.slot(index) };
        let Some(kind) = self.kind_at(slot) else { return };
        if kind.starts == Starts::Told {
            // SAFETY: the kind was found by the slot, which is occupied.
            let outcome = self.run_apart(index, slot, |state, ctx| unsafe { (kind.started)(state, ctx) });
            if outcome == Outcome::Panicked {
                self.failed(index);
            } else if self.after & super::after::STOP != 0 {
                self.after &= !super::after::STOP;
                self.end(index, Reason::Stopped);
            }
        }
    }

    /// Ends an actor of this core, or leaves it to its supervisor what becomes of it.
    pub(super) fn end(&mut self, index: u32, reason: Reason) {
        if reason == Reason::Shutdown || !self.bonds.is_supervised(index) {
            self.finish(index, reason);
        } else {
            self.hold(index, reason);
        }
    }

    /// Ends an actor but for its place: address and queue wait for what its supervisor decides.
    pub(super) fn hold(&mut self, index: u32, reason: Reason) {
        // SAFETY: an actor of this core.
        let slot = unsafe { self.table.slot(index) };
        let Some(kind) = self.kind_at(slot) else { return };
        // SAFETY: the head of a slot of this core.
        let word = unsafe { (*slot).head.word.bits() };
        if word & flag::FAILED != 0 {
            // The supervisor knows already.
            return;
        }
        self.say_stopped(index, slot, kind, reason);
        self.drop_state(slot, kind);
        self.set_flag(index, flag::FAILED);
        self.bonds.mark(index, reason, Body::Hollow);
        if !self.tell_supervisor(Addr::from_word(index, word), reason) {
            self.finish(index, reason);
        }
    }

    fn say_stopped(&mut self, index: u32, slot: *mut Slot, kind: &'static Kind, reason: Reason) {
        // SAFETY: the kind was found by the slot, which is occupied.
        let _ = self.run_apart(index, slot, |state, ctx| unsafe { (kind.stopped)(state, reason, ctx) });
        self.after &= !super::after::STOP;
    }

    /// Ends an actor of this core: `stopped` is called, the state dropped, the place's next life begun.
    pub(super) fn finish(&mut self, index: u32, reason: Reason) {
        // SAFETY: an actor of this core.
        let slot = unsafe { self.table.slot(index) };
        let Some(kind) = self.kind_at(slot) else { return };
        // SAFETY: the head of a slot of this core.
        let word = unsafe { (*slot).head.word.bits() };
        let actor = Addr::from_word(index, word);
        if self.bonds.body(index) == Body::Whole {
            // A state that a panic left half done is not asked to do anything more.
            if reason != Reason::Panicked && word & flag::FAILED == 0 {
                self.say_stopped(index, slot, kind, reason);
            }
            self.drop_state(slot, kind);
        }
        self.leave(actor, slot, kind, reason);
    }

    /// Begins the next life of a place whose state was dropped, and tells everyone who wants to know.
    fn leave(&mut self, actor: Addr, slot: *mut Slot, kind: &'static Kind, reason: Reason) {
        let index = actor.index();
        self.vacate(index, slot);
        self.unmute_senders(index);
        self.again.remove(&index);
        self.tally.actors = self.tally.actors.saturating_sub(1);
        if reason.is_abnormal() {
            self.note(Record::Ended, u32::from(reason.number()), actor, 0);
        }
        self.part(actor, reason);
        let exit = Exit { actor, kind: (kind.name)(), reason };
        self.with_warden(|warden, ctx| warden.exited(&exit, ctx));
    }

    /// Drops the state of the actor that lies there.
    pub(super) fn drop_state_at(&mut self, slot: *mut Slot) {
        if let Some(kind) = self.kind_at(slot) {
            self.drop_state(slot, kind);
        }
    }

    /// Drops the state; a panic in there loses what it had not dropped yet, nothing else.
    fn drop_state(&mut self, slot: *mut Slot, kind: &'static Kind) {
        // SAFETY: the place of a field of a slot that exists.
        let state = unsafe { (&raw mut (*slot).state).cast::<u8>() };
        // SAFETY: the kind was found by the slot; the callers mark the slot as vacant or settle a new state.
        if contain(|| unsafe { (kind.drop)(state) }) == Outcome::Panicked {
            self.tally.panics += 1;
        }
    }

    /// Begins the next life of a place, so that no address reaches it any more.
    fn vacate(&mut self, index: u32, slot: *mut Slot) {
        // SAFETY: a slot of this core, no handler runs.
        let head = unsafe { &mut (*slot).head };
        let next_word = (head.word.bits() & !LOW_BYTE).wrapping_add(1 << GENERATION_SHIFT);
        if let Some(route) = self.table.route(index) {
            route.store(next_word | self.core, Ordering::Release);
        }
        head.word.set(next_word);
        head.kind.store(0, Ordering::Relaxed);
        let deferred = core::mem::replace(&mut head.deferred, NONE);
        head.deferred_count = 0;
        head.overdue = 0;
        if self.places.is_rich() {
            // Those who spawn here from elsewhere must find freed places, too.
            self.shared.ports[self.core as usize].outside.lock().give(index, next_word);
        } else {
            self.places.give(index, next_word);
        }
        self.discard_deferred(deferred);
    }

    fn with_warden(&mut self, ask: impl FnOnce(&mut dyn Warden, &mut Context<'_>)) {
        // It is not there while it is asked: what it does may end further actors, of which it hears afterwards.
        let Some(mut warden) = self.warden.take() else { return };
        let before = self.current;
        self.step_back();
        let _ = contain(|| ask(&mut *warden, &mut Context::new(self)));
        self.current = before;
        self.warden = Some(warden);
    }

    /// The actor that ran has panicked: its messages wait until its fate is decided.
    pub(super) fn failed(&mut self, index: u32) {
        self.tally.panics += 1;
        // SAFETY: a place that was taken; an atomic.
        let word = unsafe { (*self.table.slot(index)).head.word.bits() };
        self.note(Record::Panicked, 0, Addr::from_word(index, word), 0);
        // SAFETY: a place that was taken.
        bump(unsafe { &self.table.account(index).panics });
        self.fail(index, Reason::Panicked);
    }

    /// Asks the supervisor, or the warden of the core, what becomes of an actor that can't go on as it is.
    pub(super) fn fail(&mut self, index: u32, reason: Reason) {
        // SAFETY: an actor of this core.
        let slot = unsafe { self.table.slot(index) };
        let Some(kind) = self.kind_at(slot) else { return };
        // SAFETY: a slot of this core.
        let word = unsafe { (*slot).head.word.bits() };
        if word & flag::FAILED != 0 {
            return;
        }
        let actor = Addr::from_word(index, word);
        self.set_flag(index, flag::FAILED);
        if self.bonds.is_supervised(index) {
            self.bonds.mark(index, reason, Body::Whole);
            if !self.tell_supervisor(actor, reason) {
                self.finish(index, reason);
            }
            return;
        }
        let restart = if self.again.contains_key(&index) { Restart::Possible } else { Restart::Impossible };
        // SAFETY: a place that was taken.
        let panics = unsafe { self.table.account(index) }.panics.load(Ordering::Relaxed);
        let failure = Failure { actor, kind: (kind.name)(), panics, restart };
        let mut verdict = Verdict::Stop;
        self.with_warden(|warden, ctx| verdict = warden.failed(&failure, ctx));
        if verdict == Verdict::Stop { self.finish(index, reason) } else { self.carry_out(index, verdict) }
    }

    /// Does with an actor that failed what was decided.
    pub(super) fn carry_out(&mut self, index: u32, verdict: Verdict) {
        // SAFETY: an actor of this core.
        let slot = unsafe { self.table.slot(index) };
        // SAFETY: as above.
        let word = unsafe { (*slot).head.word.bits() };
        if word & flag::FAILED == 0 {
            return;
        }
        let reason = self.bonds.reason(index).unwrap_or(Reason::Panicked);
        match verdict {
            Verdict::Wait => {}
            Verdict::Stop => self.finish(index, reason),
            // Of one whose state was dropped nothing is left to go on with.
            Verdict::Resume if self.bonds.body(index) == Body::Whole => {
                self.bonds.unmark(index);
                self.release(Addr::from_word(index, word), flag::FAILED);
            }
            Verdict::Restart | Verdict::Resume => self.restart(index, slot, Addr::from_word(index, word)),
        }
    }

    fn restart(&mut self, index: u32, slot: *mut Slot, actor: Addr) {
        let Some(kind) = self.kind_at(slot) else { return };
        let Some(mut again) = self.again.remove(&index) else { return self.finish(index, Reason::Panicked) };
        if self.bonds.body(index) == Body::Whole {
            self.drop_state(slot, kind);
        }
        self.bonds.unmark(index);
        self.forget_own(actor);
        // SAFETY: the place of a field of a slot that exists.
        let state = unsafe { (&raw mut (*slot).state).cast::<u8>() };
        // The factory settles the state as its last act, so a panic in it leaves the state empty.
        let outcome = contain(|| again(state));
        self.again.insert(index, again);
        if outcome == Outcome::Panicked {
            self.tally.panics += 1;
            return self.stay_hollow(actor, slot, kind);
        }
        self.release(actor, flag::FAILED);
        self.start(index);
    }

    /// The factory has panicked: a supervisor may let it be tried again, without one that is the end.
    fn stay_hollow(&mut self, actor: Addr, slot: *mut Slot, kind: &'static Kind) {
        if self.bonds.is_supervised(actor.index()) {
            self.bonds.mark(actor.index(), Reason::Panicked, Body::Hollow);
            if self.tell_supervisor(actor, Reason::Panicked) {
                return;
            }
        }
        self.leave(actor, slot, kind, Reason::Panicked);
    }

    /// Ends all actors of this core; at shutdown.
    pub(crate) fn end_all(&mut self) {
        for index in 0..self.shared.table.places() {
            let route = self.table.route(index).map_or(0, |route| route.load(Ordering::Acquire));
            // A place without a life has generation 0 or no kind.
            if route >> GENERATION_SHIFT != 0 && route & crate::table::OWNER == self.core {
                self.end(index, Reason::Shutdown);
            }
        }
    }

    /// The bound of an actor that is being spawned, in credits.
    pub(super) fn credits(bound: Bound) -> i32 {
        bound.messages() as i32
    }

    /// Replaces who decides about failures on this core.
    pub fn set_warden(&mut self, warden: Box<dyn Warden>) {
        self.warden = Some(warden);
    }
}

/// Whether something that was run returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Returned,
    Panicked,
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.end_all();
        self.drop_messages();
        self.warden = Some(Box::new(StopAll));
        self.current.head = null_mut();
    }
}
