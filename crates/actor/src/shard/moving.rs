//! How an actor moves from one core to another while messages are on their way to it and from it.
//!
//! # Protocol
//! The old core writes the new one into the routing word; from then on the slot is the new core's, which lets the
//! actor's messages wait. What still comes to the old core by the old word is collected there. To know that nothing
//! more comes, the old core sends each other core a question through the ring, and the answer comes back through the
//! ring the other way: the question is behind all that the actor has sent, the answer behind all that was sent to it. At
//! the same time it waits for outside threads that may have read the old word ([`crate::grace`]). Then it puts a marker
//! into each of its own lanes. When these have been met, everything older has been handled, and the actor's luggage goes
//! to the new core, which puts the messages in it before those that wait there. So a pair of sender and receiver keeps
//! its order whichever of the two moves.
//!
//! # States
//! At the old core: flushing, draining, gone. At the new one: awaited from the first message on (the slot's kind says
//! so), arrived. An actor that moves is nobody's to run, end or move again.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::control::Control;
use super::dispatch::Source;
use super::luggage::{Held, Luggage};
use super::{Shard, TimerId};
use crate::address::{Addr, LOW_BYTE};
use crate::deferred::NONE;
use crate::grace::Wait;
use crate::message::{EMPTY, Header, LANES, Lane, Line, Payload, put, take};
use crate::platform::Core;
use crate::table::{MOVING, OVERLOADED, PINNED, Slot, flag};
use crate::tracing::Record;

/// From core to core, past all addresses.
pub(crate) enum Relocation {
    /// Say to that core that this has come.
    Flush { actor: u32, asker: u32 },
    /// It has.
    Flushed { actor: u32 },
    /// Everything that was in this lane before has been handled.
    Marker,
    /// The actor is yours.
    Arrive(Box<Luggage>),
    /// Cancel a timer that an actor had set with you before it moved.
    Cancel(TimerId),
}

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// So many cores have not answered.
    Flushing(usize),
    /// So many lanes have not been read to the marker.
    Draining(usize),
}

struct Leaving {
    to: usize,
    stage: Stage,
    /// Which move of this core it is: a grace period serves all that began before it.
    number: u64,
    luggage: Box<Luggage>,
}

/// The moves of one core.
#[derive(Default)]
pub(super) struct Moves {
    leaving: BTreeMap<u32, Leaving>,
    /// Orders for actors that are awaited.
    awaited: BTreeMap<u32, Held>,
    begun: u64,
    /// Outside threads have read the new word for all moves up to this one.
    graced: u64,
    grace: Option<(Wait, u64)>,
    /// Something about a move was done since the last look.
    stirred: bool,
}

impl Moves {
    pub(super) fn is_idle(&self) -> bool {
        self.leaving.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.leaving.len()
    }

    /// Whether anything was done since the last call.
    pub(super) fn take_stirred(&mut self) -> bool {
        core::mem::take(&mut self.stirred)
    }
}

impl Shard {
    /// Whether an actor lives, and this core is its owner.
    pub(super) fn owns(&self, actor: Addr) -> bool {
        let route = self.table.route(actor.index()).map_or(0, |route| route.load(Ordering::Relaxed));
        route & !OVERLOADED == actor.word() | self.core
    }

    /// Begins the move of an actor of this core; nothing happens if it can't move now.
    pub(super) fn leave_for(&mut self, actor: Addr, to: Core) {
        let index = actor.index();
        let is_elsewhere = matches!(self.links.get(to.index()), Some(Some(_)));
        if !is_elsewhere || !self.may_leave(actor) {
            return;
        }
        let mut luggage = self.pack(actor);
        // SAFETY: an actor of this core, and no handler runs.
        let head = unsafe { &mut (*self.table.slot(index)).head };
        let mut deferred = core::mem::replace(&mut head.deferred, NONE);
        head.deferred_count = 0;
        head.kind.store(head.kind.load(Ordering::Relaxed) | MOVING, Ordering::Relaxed);
        let load = if head.word.bits() & flag::CONGESTED == 0 { 0 } else { OVERLOADED };
        while let Some((line, left)) = self.deferred.take_first(deferred) {
            deferred = left;
            luggage.messages.0.push((line, Source::Queue));
        }
        // The last that this core does with the slot lies before this.
        if let Some(route) = self.table.route(index) {
            route.store(actor.word() | u32::from(to.0) | load, Ordering::Release);
        }
        self.note(Record::Left, 0, actor, u64::from(to.0));
        self.tally.actors = self.tally.actors.saturating_sub(1);
        let others = self.links.iter().flatten().count();
        self.moves.begun += 1;
        self.moves.stirred = true;
        let leaving =
            Leaving { to: to.index(), stage: Stage::Flushing(others), number: self.moves.begun, luggage };
        self.moves.leaving.insert(index, leaving);
        for core in 0..self.links.len() {
            self.relocate_at(core, actor, Relocation::Flush { actor: index, asker: self.core });
        }
    }

    fn may_leave(&self, actor: Addr) -> bool {
        if !self.owns(actor) || self.bonds.is_paused(actor.index()) {
            return false;
        }
        // SAFETY: an actor of this core; atomics.
        let (word, kind, bound) = unsafe {
            let slot = self.table.slot(actor.index());
            let head = &raw const (*slot).head;
            let (kind, bound) = (&(*head).kind, &(*head).bound);
            ((*head).word.bits(), kind.load(Ordering::Relaxed), bound.load(Ordering::Relaxed))
        };
        let is_busy = word & (flag::REPLAYING | flag::FAILED | flag::NEW) != 0 || kind & MOVING != 0;
        !is_busy && bound & PINNED == 0
    }

    /// Sends to a core, not to an actor; `actor` is what it is about.
    pub(super) fn relocate_at(&mut self, core: usize, actor: Addr, what: Relocation) {
        let header =
            Header { dst: actor.index(), meta: actor.word() | Lane::System as u32, tag: self.relocation_tag };
        // SAFETY: the tag is that of `Relocation`, registered when the shard was made.
        unsafe { self.send_remote(core, header, what) };
    }

    /// What came from another core about a move.
    #[cold]
    pub(super) fn relocate(&mut self, header: Header, payload: *mut u8) {
        self.moves.stirred = true;
        // SAFETY: the tag was compared with that of `Relocation`, and the payload is taken only here.
        match unsafe { take::<Relocation>(payload) } {
            Relocation::Flush { actor, asker } => {
                let about = Addr::from_word(header.dst, header.meta);
                self.relocate_at(asker as usize, about, Relocation::Flushed { actor });
            }
            Relocation::Flushed { actor } => self.count_down(actor),
            Relocation::Marker => self.count_down(header.dst),
            Relocation::Arrive(luggage) => self.settle_in(*luggage),
            Relocation::Cancel(timer) => _ = self.cancel(timer),
        }
    }

    fn count_down(&mut self, actor: u32) {
        if let Some(leaving) = self.moves.leaving.get_mut(&actor) {
            leaving.stage = match leaving.stage {
                Stage::Flushing(left) => Stage::Flushing(left.saturating_sub(1)),
                Stage::Draining(left) => Stage::Draining(left.saturating_sub(1)),
            };
        }
    }

    /// Brings the moves of this core forward. Called when all that was injected has been looked at.
    #[inline]
    pub(super) fn press_moves(&mut self) {
        if !self.moves.leaving.is_empty() {
            self.press_some_moves();
        }
    }

    #[cold]
    fn press_some_moves(&mut self) {
        let graced = self.moves.graced;
        let ready = |(index, leaving): (&u32, &Leaving)| match leaving.stage {
            Stage::Flushing(0) if leaving.number <= graced => Some(*index),
            Stage::Draining(0) => Some(*index),
            Stage::Flushing(_) | Stage::Draining(_) => None,
        };
        let ready: Vec<_> = self.moves.leaving.iter().filter_map(ready).collect();
        for index in ready {
            self.moves.stirred = true;
            let Some(leaving) = self.moves.leaving.get_mut(&index) else { continue };
            if leaving.stage == Stage::Draining(0) {
                self.depart(index);
                continue;
            }
            leaving.stage = Stage::Draining(LANES);
            let actor = leaving.luggage.actor;
            for lane in Lane::ALL {
                self.mark_lane(lane, actor);
            }
        }
        self.press_grace();
    }

    /// Only now, so that what was put into the queue before the end of the wait is taken out before that counts.
    fn press_grace(&mut self) {
        match &mut self.moves.grace {
            Some((wait, upto)) => {
                let before = *wait;
                if self.shared.grace.is_over(wait) {
                    self.moves.graced = *upto;
                    self.moves.grace = None;
                    self.moves.stirred = true;
                } else if *wait != before {
                    self.moves.stirred = true;
                }
            }
            None if self.moves.graced < self.moves.begun => {
                self.moves.grace = self.shared.grace.begin().map(|wait| (wait, self.moves.begun));
                self.moves.stirred |= self.moves.grace.is_some();
            }
            None => {}
        }
    }

    fn mark_lane(&mut self, lane: Lane, actor: Addr) {
        let header =
            Header { dst: actor.index(), meta: actor.word() | lane as u32, tag: self.relocation_tag };
        let mut line = Line::new(header, EMPTY);
        // SAFETY: the payload is ours.
        unsafe { put(line.payload.as_mut_ptr().cast(), Relocation::Marker) };
        self.send_line(self.core as usize, line);
    }

    fn depart(&mut self, index: u32) {
        if let Some(Leaving { to, luggage, .. }) = self.moves.leaving.remove(&index) {
            self.relocate_at(to, luggage.actor, Relocation::Arrive(luggage));
        }
    }

    /// Whether a message that came by an old routing word is for an actor that is leaving this core; then it is taken.
    pub(super) fn collect(&mut self, header: Header, payload: *mut u8) -> bool {
        let is_its = |leaving: &Leaving| leaving.luggage.actor.word() == header.meta & !LOW_BYTE;
        if !self.moves.leaving.get(&header.dst).is_some_and(is_its) {
            return false;
        }
        if header.meta & 0xff <= Lane::Normal as u32 {
            self.detain(header, payload, Source::Ring);
        } else {
            self.collect_later(&Line::new(header, copied(payload)));
        }
        true
    }

    /// As `collect`, behind others of the same sender that may wait in the message's lane.
    pub(super) fn collect_later(&mut self, line: &Line) -> bool {
        let Some(leaving) = self.moves.leaving.get_mut(&line.header.dst) else { return false };
        if leaving.luggage.actor.word() != line.header.meta & !LOW_BYTE {
            return false;
        }
        // It never was in the actor's queue, but will be taken from a lane as if it had been.
        leaving.luggage.uncounted += 1;
        self.send_line(self.core as usize, *line);
        true
    }

    /// Lets a message wait for an actor that is between two cores.
    pub(super) fn detain(&mut self, header: Header, payload: *mut u8, source: Source) {
        // SAFETY: a place that was taken; atomics.
        let (word, kind) = unsafe {
            let slot: *mut Slot = self.table.slot(header.dst);
            ((*slot).head.word.bits(), (*slot).head.kind.load(Ordering::Relaxed))
        };
        let within = self.tag_within(header, payload);
        let is_message = self.known_kind(kind & !MOVING).is_some_and(|known| known.tag == within);
        let is_order = header.tag == self.control_tag && header.lane() == Lane::System;
        let stands_in_line = is_message || !is_order && word & flag::AWAITING == 0;
        if is_order && !self.owns(Addr::from_word(header.dst, header.meta)) && self.count_late(payload) {
            return;
        }
        if let Some(leaving) = self.moves.leaving.get_mut(&header.dst) {
            let held =
                if stands_in_line { &mut leaving.luggage.messages } else { &mut leaving.luggage.orders };
            held.0.push((Line::new(header, copied(payload)), source));
        } else if stands_in_line {
            self.defer(header, payload, source);
        } else {
            let line = Line::new(header, copied(payload));
            self.moves.awaited.entry(header.dst).or_default().0.push((line, source));
        }
    }

    /// News of an actor that has left before its old core had heard that it was there.
    fn count_late(&mut self, payload: *mut u8) -> bool {
        // SAFETY: the caller compared the tag with that of `Control`; what is taken is put back, but for this case.
        let order = unsafe { take::<Control>(payload) };
        if matches!(order, Control::Adopt) {
            self.tally.actors += 1;
            return true;
        }
        // SAFETY: the payload was emptied just now.
        unsafe { put(payload, order) };
        false
    }

    /// An actor has come to this core, with all that was sent to it before.
    fn settle_in(&mut self, luggage: Luggage) {
        let actor = luggage.actor;
        let index = actor.index();
        let awaited = self.moves.awaited.remove(&index).unwrap_or_default();
        if !self.owns(actor) {
            // The system shuts down, and its place is vacant.
            return;
        }
        let mut uncounted = luggage.uncounted;
        let (mut messages, orders) = self.unpack(luggage);
        self.tally.actors += 1;
        self.note(Record::Arrived, 0, actor, 0);
        let (mut last, mut count) = (NONE, 0);
        for (line, source) in messages.0.drain(..) {
            last = self.deferred.append(last, line);
            count += 1;
            uncounted += i32::from(source == Source::Ring);
        }
        // SAFETY: an actor of this core since its routing word says so, and no handler runs.
        let head = unsafe { &mut (*self.table.slot(index)).head };
        head.kind.store(head.kind.load(Ordering::Relaxed) & !MOVING, Ordering::Relaxed);
        head.deferred = self.deferred.join(last, head.deferred);
        head.deferred_count += count;
        if head.deferred_count > 0 && head.word.bits() & flag::DIVERTING == 0 {
            head.word.add(flag::REPLAYING);
            self.replays.push_back(actor);
        }
        for orders in [orders, awaited] {
            uncounted += self.line_up_orders(orders);
        }
        // SAFETY: a place that was taken.
        let credit = unsafe { self.table.credit(index) };
        credit.store(credit.load(Ordering::Relaxed) - uncounted, Ordering::Relaxed);
        self.mark_if_spent(index);
    }

    /// Puts orders into the system lane; how many were not counted as waiting before.
    fn line_up_orders(&mut self, mut orders: Held) -> i32 {
        let mut uncounted = 0;
        for (line, source) in orders.0.drain(..) {
            uncounted += i32::from(source == Source::Ring);
            let place = self.lanes[Lane::System as usize].push(&mut self.chunks);
            // SAFETY: `push` gives the place of an entry to fill.
            unsafe { place.write(line) };
        }
        uncounted
    }
}

/// What lies in a payload, for a line of one's own.
fn copied(payload: *mut u8) -> Payload {
    let mut copy = EMPTY;
    // SAFETY: a payload has so many bytes, and the two don't overlap.
    unsafe { payload.copy_to_nonoverlapping(copy.as_mut_ptr().cast(), size_of_val(&copy)) };
    copy
}

#[cfg(all(test, shuttle))]
mod schedules;
