//! A shard's turn: what is looked at, in which order, and how long.

use core::sync::atomic::Ordering;

use super::dispatch::Source;
use super::fate::Outcome;
use super::requests::RECORDED;
use super::{Shard, after};
use crate::address::Addr;
use crate::contain::contain;
use crate::message::Packet;
use crate::message::{LANES, Lane, discard};
use crate::platform::Core;
use crate::ring::Consumer;
use crate::tracing::Record;

/// Sixteenths of a turn that each lane may use when all have work; the system lane is not measured.
const WEIGHTS: [u32; LANES] = [0, 16, 8, 4, 2, 1];
/// What one unit of weight is of a turn: with work in the normal lane only, a turn is a turn of it.
const WEIGHT_NORMAL: u32 = WEIGHTS[Lane::Normal as usize];
/// Turns in which a lane was left with work after which its share grows by itself once more.
const AGING_TURNS: u32 = 16;
/// How often a share may grow: longer turns cost less, but look at the rings later.
const AGING_MAX: u32 = 8;
/// Turns of waiting after which a lane below the normal one comes up to it by one more of its weight.
const CATCH_UP_TURNS: u32 = 64;
/// How many entries ahead the slot is fetched: at 5 to 10 ns a message, the time of a read from memory.
const AHEAD: usize = 12;
/// Messages between two looks at the clock. Timers are late by so many handlers at most.
const CLOCK_MESSAGES: u32 = 256;
/// Turns that did something between two looks at the clock, for when turns are short.
const CLOCK_TURN: u32 = 16;
/// One message of so many is timed and counted for all of them.
const SAMPLE_MESSAGES: u32 = 1024;

/// A ring may take so many times as long as a lane: it is short, and what fills it up costs its sender twice.
const RING_TURNS: u32 = 4;

/// How many entries of a ring ahead a line is fetched, when it is filled for sure: a processor that runs ahead by itself
/// sees some four handlers far, and a line takes as long as ten from core to core.
const RING_AHEAD: usize = 16;
/// Messages of a ring between two looks whether it is filled that far.
const RING_LOOK: u32 = 8;
/// A ring that is filled this far is filled up to [`RING_AHEAD`] until the next look.
const RING_DEPTH: usize = RING_AHEAD + RING_LOOK as usize;

/// So many messages of one ring without a gap are a flow; fewer may be somebody who waits for an answer.
#[cfg(feature = "std")]
const BURST_LEAST: u32 = 8;

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// Something was done; there may be more.
    Work,
    /// Nothing was there to do.
    Nothing,
}

impl Shard {
    /// Does some work: at most about [`crate::Config::turn_messages`] messages per lane and ring. A panic of an actor
    /// ends in here.
    pub fn turn(&mut self) -> Did {
        let before = self.tally.handled;
        let outcome = contain(|| self.turn_freely());
        if outcome == Outcome::Panicked {
            self.recover();
            self.send_leftovers();
        }
        self.tally.turns += 1;
        let did = outcome == Outcome::Panicked || self.tally.handled != before;
        if did { Did::Work } else { self.rest() }
    }

    /// After a panic: the actor that ran has failed.
    pub(super) fn recover(&mut self) {
        self.admit_told();
        self.end_span();
        self.after = 0;
        let culprit = self.current;
        self.step_back();
        // A head says that a handler ran; without one the drop of some message panicked.
        if culprit.head.is_null() {
            self.tally.panics += 1;
        } else {
            self.failed(culprit.index);
        }
    }

    fn turn_freely(&mut self) {
        if self.unclocked >= CLOCK_MESSAGES {
            self.look_at_clock();
        }
        self.start_fresh();
        self.take_injected();
        self.press_moves();
        self.read_rings();
        self.run_lane(Lane::System, u32::MAX);
        while let Some(actor) = self.replays.pop_front() {
            self.replay(actor);
        }
        for lane in &Lane::ALL[1..] {
            if !self.lanes[*lane as usize].is_empty() {
                let share = self.share(*lane);
                self.run_lane(*lane, share);
                let log = &mut self.lanes[*lane as usize];
                log.waited = if log.is_empty() { 0 } else { log.waited.saturating_add(1) };
            }
        }
        self.unclocked += CLOCK_TURN;
        self.send_leftovers();
    }

    /// How many messages of a lane a turn handles.
    fn share(&self, lane: Lane) -> u32 {
        let waited = self.lanes[lane as usize].waited;
        let grown = 1 + (waited / AGING_TURNS).min(AGING_MAX);
        let weight = WEIGHTS[lane as usize];
        // In the end even the idle lane has as much as the normal one.
        let weight = weight.max((weight.saturating_mul(1 + waited / CATCH_UP_TURNS)).min(WEIGHT_NORMAL));
        (self.shared.config.turn_messages * weight * grown / WEIGHT_NORMAL).max(1)
    }

    /// Handles up to `most` messages of a lane; those that are sent meanwhile count, too.
    #[inline]
    fn run_lane(&mut self, lane: Lane, most: u32) {
        let mut left = most;
        if self.unsampled >= SAMPLE_MESSAGES {
            left -= self.run_sampled(lane);
        }
        let begun = left;
        while left > 0 {
            self.fetch_ahead(lane);
            let log = &mut self.lanes[lane as usize];
            let Some(line) = log.pop(&mut self.chunks) else { break };
            if self.stage.begins_with(line) {
                self.admit_told();
            }
            left -= 1;
            // Counted one by one, because a panic leaves from here.
            if (begun - left) % RECORDED == 1 {
                // SAFETY: as below.
                self.note_run(unsafe { (*line).header });
            }
            self.tally.handled += 1;
            // SAFETY: the line stays where it is until the log is used again, and the header is copied first; the
            // payload is taken before the handler can send.
            let (header, payload) = unsafe { ((*line).header, (&raw mut (*line).payload).cast()) };
            self.dispatch(header, payload, Source::Queue);
            if self.after & after::YIELD != 0 {
                self.after = 0;
                break;
            }
        }
        self.unclocked += begun - left;
        self.unsampled += begun - left;
    }

    /// Handles one message between two looks at the clock, and counts it for all since the last sample.
    #[cold]
    fn run_sampled(&mut self, lane: Lane) -> u32 {
        let log = &mut self.lanes[lane as usize];
        let Some(line) = log.pop(&mut self.chunks) else { return 0 };
        if self.stage.begins_with(line) {
            self.admit_told();
        }
        // SAFETY: as in `run_lane`.
        let (header, payload) = unsafe { ((*line).header, (&raw mut (*line).payload).cast()) };
        self.tally.handled += 1;
        let weight = core::mem::take(&mut self.unsampled);
        let before = self.shared.ground.now();
        self.dispatch(header, payload, Source::Queue);
        let spent = self.shared.ground.now().saturating_sub(before);
        self.note(Record::Timed, header.tag, Addr::from_word(header.dst, header.meta), spent);
        // SAFETY: the index of an entry; only the head is touched, between handlers.
        let word = unsafe { (*self.table.slot(header.dst)).head.word.bits() };
        if word & crate::table::flag::METERED == 0 {
            self.charge(header.dst, spent.saturating_mul(u64::from(weight)));
        }
        1
    }

    /// Asks for the slot of a message that is some way ahead.
    #[inline(always)]
    fn fetch_ahead(&self, lane: Lane) {
        #[cfg(target_arch = "x86_64")]
        if let Some(line) = self.lanes[lane as usize].ahead(AHEAD) {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: the line is in the log, so it is filled and its index of a place; prefetching reads nothing.
            unsafe {
                let index = (*line).header.dst;
                _mm_prefetch::<_MM_HINT_T0>(self.table.slot(index).cast());
                _mm_prefetch::<_MM_HINT_T0>((&raw const *self.table.credit(index)).cast());
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = lane;
    }

    fn take_injected(&mut self) {
        let port = &self.shared.ports[self.core as usize];
        // What a panic left over goes first: it is older.
        if self.injected.is_empty() {
            if port.inject.is_empty() {
                return;
            }
            port.inject.take_all(&mut self.injected);
            self.injected.reverse();
        }
        // The vector is the wrong way round, so that what is left after a panic is still in order.
        while let Some(mut line) = self.injected.pop() {
            self.tally.handled += 1;
            self.arrive(line.header, line.payload.as_mut_ptr().cast());
        }
    }

    /// Handles what other cores sent, where it lies.
    fn read_rings(&mut self) {
        for from in 0..self.incoming.len() {
            let Some(consumer) = &mut self.incoming[from] else { continue };
            if consumer.is_empty() {
                continue;
            }
            let consumer: *mut Consumer<Packet> = consumer;
            self.burst = 0;
            let mut is_deep = false;
            for _ in 0..self.shared.config.turn_messages * RING_TURNS {
                // SAFETY: nothing else touches this consumer: `incoming` is used here only, and handlers can't reach it.
                let reading = Reading(unsafe { &mut *consumer });
                let Some(packet) = reading.0.peek() else {
                    core::mem::forget(reading);
                    break;
                };
                let header = Packet::unpack(packet.head);
                let payload = packet.payload.as_mut_ptr().cast();
                if self.burst.is_multiple_of(RING_LOOK) {
                    // SAFETY: as above.
                    is_deep = unsafe { (*consumer).is_filled(RING_DEPTH) };
                }
                if is_deep {
                    // SAFETY: as above.
                    unsafe { (*consumer).fetch(RING_AHEAD) };
                }
                if self.burst.is_multiple_of(RECORDED) {
                    self.note_run(header);
                }
                self.tally.handled += 1;
                self.unclocked += 1;
                self.burst += 1;
                self.arrive(header, payload);
                drop(reading);
            }
        }
    }

    /// At the end of a turn: what didn't fit into rings, and cores to be woken.
    pub(crate) fn send_leftovers(&mut self) {
        self.admit_told();
        for core in 0..self.links.len() {
            let Some(link) = &mut self.links[core] else { continue };
            if !link.debt.is_owed() {
                continue;
            }
            while let Some(packet) = link.overflow.pop_front() {
                if let Err(packet) = link.producer.push(packet) {
                    link.overflow.push_front(packet);
                    break;
                }
            }
            let shared = &self.shared;
            link.debt.settle(&shared.ports[core].sleeper, || shared.ground.unpark(Core(core as u8)));
            if !link.overflow.is_empty() {
                link.debt.publish();
            }
        }
    }

    /// Reads the clock and fires what is due.
    pub(super) fn look_at_clock(&mut self) {
        self.unclocked = 0;
        self.now = self.shared.ground.now();
        self.fire_timers();
        self.publish_counters();
    }

    /// Without work: the clock is read, so that timers fire, and the counters are shown.
    fn rest(&mut self) -> Did {
        let before = self.tally.handled;
        if contain(|| self.look_at_clock()) == Outcome::Panicked {
            self.recover();
            return Did::Work;
        }
        let waiting = self.links.iter().flatten().any(|link| !link.overflow.is_empty());
        if self.tally.handled != before || waiting || self.has_messages() { Did::Work } else { Did::Nothing }
    }

    pub(crate) fn has_messages(&self) -> bool {
        !self.replays.is_empty() || !self.fresh.is_empty() || self.lanes.iter().any(|log| !log.is_empty())
    }

    /// Whether another core or thread has sent something. Cheap enough to be asked in a loop.
    #[inline]
    pub(crate) fn has_mail(&self) -> bool {
        self.incoming.iter().flatten().any(|consumer| !consumer.is_empty())
            || !self.shared.ports[self.core as usize].inject.is_empty()
    }

    /// Whether the last messages from another core came in a flow that this core is faster than.
    #[cfg(feature = "std")]
    pub(crate) fn has_read_a_burst(&self) -> bool {
        self.burst >= BURST_LEAST
    }

    /// Whether there is something to do now; what a core looks at before it sleeps.
    pub(crate) fn has_work(&self) -> bool {
        self.has_messages()
            || self.links.iter().flatten().any(|link| !link.overflow.is_empty())
            || self.has_mail()
            || !self.moves.is_idle()
            || self.shared.is_stopping()
    }

    /// Shows to other threads what this core has done.
    pub(crate) fn publish_counters(&mut self) {
        self.audit_in_time();
        let counters = &self.shared.ports[self.core as usize].counters;
        let Self { tally, lanes, .. } = self;
        counters.turns.store(tally.turns, Ordering::Relaxed);
        counters.handled.store(tally.handled, Ordering::Relaxed);
        counters.remote.store(tally.remote, Ordering::Relaxed);
        counters.dead.store(tally.dead, Ordering::Relaxed);
        counters.panics.store(tally.panics, Ordering::Relaxed);
        counters.actors.store(tally.actors, Ordering::Relaxed);
        let queued: usize = lanes.iter().map(crate::log::Log::count).sum();
        counters.queued.store(queued as u64, Ordering::Relaxed);
        self.weigh(queued);
    }

    /// Drops all messages that this shard has; its actors have ended before.
    pub(super) fn drop_messages(&mut self) {
        for lane in 0..LANES {
            while let Some(line) = self.lanes[lane].pop(&mut self.chunks) {
                // SAFETY: the line is in the log, filled and taken by nobody.
                unsafe { discard((*line).header.tag, (&raw mut (*line).payload).cast()) };
            }
        }
        for consumer in self.incoming.iter_mut().flatten() {
            while let Some(mut packet) = consumer.pop() {
                // SAFETY: as above, in the ring.
                unsafe { discard(Packet::unpack(packet.head).tag, packet.payload.as_mut_ptr().cast()) };
            }
        }
        for link in self.links.iter_mut().flatten() {
            for mut packet in link.overflow.drain(..) {
                // SAFETY: as above, behind the ring.
                unsafe { discard(Packet::unpack(packet.head).tag, packet.payload.as_mut_ptr().cast()) };
            }
        }
        for mut line in self.injected.drain(..) {
            // SAFETY: as above.
            unsafe { discard(line.header.tag, line.payload.as_mut_ptr().cast()) };
        }
    }
}

/// An entry of a ring that is being handled; the ring goes on when it is done, by a panic as well.
struct Reading<'a>(&'a mut Consumer<Packet>);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.advance();
    }
}
