//! From an entry to the handler: the way that every message takes, and the long way of those that need a closer look.

use core::sync::atomic::Ordering;

use super::tell::VOID;
use super::{KnownKind, NOBODY, Shard, after};
use crate::address::{Addr, LOW_BYTE};
use crate::bound::Bound;
use crate::context::Context;
use crate::deferred::NONE;
use crate::kind::KINDS;
use crate::life::Reason;
use crate::message::{EMPTY, Header, Lane, Line, discard};
use crate::table::{Head, MOVING, OVERLOADED, OWNER, Slot, bump, flag};

/// Where an entry comes from, which says what its credit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A log or the deferred list: its place in the receiver's queue was counted.
    Queue,
    /// A ring, in place: it never waited in the receiver's queue.
    Ring,
}

impl Shard {
    /// Gives an entry to its actor.
    #[inline(always)]
    pub(super) fn dispatch(&mut self, header: Header, payload: *mut u8, source: Source) {
        // SAFETY: entries are made by `send` after the routing word was found with the entry's generation.
        let slot = unsafe { self.table.slot(header.dst) };
        // SAFETY: places of atomics of a slot that exists. A place of another life may just be filled by another thread,
        // so no reference to the whole head is made before the word has been compared.
        let (word, kind, handled) = unsafe {
            (&(*slot).head.word, (*slot).head.kind.load(Ordering::Relaxed) as usize, &(*slot).head.handled)
        };
        let is_plain = word.bits() == header.meta & !LOW_BYTE;
        match self.kinds.get(kind) {
            Some(known) if is_plain && known.tag == header.tag => {
                let handle = known.handle;
                bump(handled);
                if source == Source::Queue {
                    self.pay_back(header.dst);
                }
                // SAFETY: word, kind and tag agree: the slot is occupied by an actor whose message this is.
                unsafe { self.run(slot, header, payload, handle) };
            }
            _ => self.dispatch_rarely(slot, header, payload, source),
        }
    }

    /// # Safety
    /// `handle` is of the slot's kind and takes payloads of the header's tag; the payload was not taken yet.
    #[inline(always)]
    unsafe fn run(
        &mut self,
        slot: *mut Slot,
        header: Header,
        payload: *mut u8,
        handle: unsafe fn(*mut u8, *mut u8, &mut Context<'_>),
    ) {
        // SAFETY: the places of fields of a slot that exists; no reference is made.
        let (head, state) = unsafe { (&raw mut (*slot).head, (&raw mut (*slot).state).cast::<u8>()) };
        self.current.index = header.dst;
        self.current.head = head;
        self.current.lane = header.lane();
        // SAFETY: the caller's words.
        unsafe { handle(state, payload, &mut Context::new(self)) };
        self.current.head = core::ptr::null_mut();
        if self.after != 0 {
            self.settle_after(header.dst);
        }
    }

    #[inline(always)]
    pub(super) fn pay_back(&self, index: u32) {
        // SAFETY: the index of an entry or of an actor of this core.
        let credit = unsafe { self.table.credit(index) };
        credit.store(credit.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    #[cold]
    #[inline(never)]
    fn settle_after(&mut self, index: u32) {
        self.admit_told();
        let asked = core::mem::take(&mut self.after);
        if asked & after::TRACED != 0 {
            self.end_span();
        }
        if asked & after::STOP != 0 {
            self.end(index, Reason::Stopped);
        }
        // Of the rest YIELD is the turn's business.
        self.after = asked & after::YIELD;
    }

    /// The kind with this number, looked up in the process's table if this shard has not met it.
    pub(super) fn known_kind(&mut self, number: u32) -> Option<KnownKind> {
        if number == 0 {
            return None;
        }
        if let Some(known) = self.kinds.get(number as usize).filter(|known| known.kind.is_some()) {
            return Some(*known);
        }
        let kind = KINDS.at(number)?;
        let unknown = KnownKind { tag: 0, handle: kind.handle, kind: None };
        if self.kinds.len() <= number as usize {
            self.kinds.resize(number as usize + 1, unknown);
        }
        let known = KnownKind { tag: (kind.message_tag)(), handle: kind.handle, kind: Some(kind) };
        self.kinds[number as usize] = known;
        Some(known)
    }

    #[inline(never)]
    fn dispatch_rarely(&mut self, slot: *mut Slot, header: Header, payload: *mut u8, source: Source) {
        self.admit_told();
        if header.tag == VOID {
            self.tally.handled -= 1;
            return;
        }
        if header.tag == self.relocation_tag {
            return self.relocate(header, payload);
        }
        // SAFETY: as in `dispatch`; the reference ends before any handler runs.
        let (word, kind) = unsafe { ((*slot).head.word.bits(), (*slot).head.kind.load(Ordering::Relaxed)) };
        if word & !LOW_BYTE != header.meta & !LOW_BYTE {
            return self.dead_letter(header, payload);
        }
        if kind & MOVING != 0 {
            return self.detain(header, payload, source);
        }
        if word & flag::NEW != 0 && header.tag != self.control_tag {
            // Before its first message, and once: what becomes of the message is looked at afresh.
            self.start_new(Addr::from_word(header.dst, word));
            return self.dispatch(header, payload, source);
        }
        let Some(known) = self.known_kind(kind) else { return self.dead_letter(header, payload) };
        if header.tag == self.control_tag {
            self.count_handled(slot, header.dst, source);
            return self.obey(header, payload);
        }
        if header.tag == self.shared.envelope_tag {
            return self.open(header, payload, word, known.tag, source);
        }
        if known.tag != header.tag {
            self.count_handled(slot, header.dst, source);
            return self.answer(slot, header, payload, known);
        }
        if word & flag::DIVERTING != 0 {
            return self.defer(header, payload, source);
        }
        self.count_handled(slot, header.dst, source);
        // SAFETY: as above.
        let head = unsafe { &mut (*slot).head };
        if head.overdue > 0 {
            head.overdue -= 1;
            // SAFETY: the account of a place that was taken.
            bump(unsafe { &self.table.account(header.dst).refused });
            // SAFETY: the entry's payload is of its tag and nobody took it.
            unsafe { discard(header.tag, payload) };
            return self.relieve(header.dst, slot);
        }
        // SAFETY: the generation, the kind and the tag agree.
        unsafe { self.run_metered(slot, header, payload, known.handle) };
        self.relieve(header.dst, slot);
    }

    fn count_handled(&mut self, slot: *mut Slot, index: u32, source: Source) {
        // SAFETY: a slot of this core; an atomic.
        bump(unsafe { &(*slot).head.handled });
        if source == Source::Queue {
            self.pay_back(index);
        }
    }

    /// # Safety
    /// As of `run`.
    pub(super) unsafe fn run_metered(
        &mut self,
        slot: *mut Slot,
        header: Header,
        payload: *mut u8,
        handle: unsafe fn(*mut u8, *mut u8, &mut Context<'_>),
    ) {
        // SAFETY: a slot of this core.
        if unsafe { (*slot).head.word.bits() } & flag::METERED == 0 {
            // SAFETY: the caller's words.
            return unsafe { self.run(slot, header, payload, handle) };
        }
        let before = self.shared.ground.now();
        // SAFETY: the caller's words.
        unsafe { self.run(slot, header, payload, handle) };
        let spent = self.shared.ground.now().saturating_sub(before);
        self.charge(header.dst, spent);
    }

    /// Adds to what an actor has used.
    pub(super) fn charge(&self, index: u32, spent_ns: u64) {
        // SAFETY: the index of an entry, so of a place that was taken.
        let cpu = unsafe { &self.table.account(index).cpu_ns };
        cpu.store(cpu.load(Ordering::Relaxed).saturating_add(spent_ns), Ordering::Relaxed);
    }

    /// Takes the congestion off an actor whose queue is down to half of its bound.
    fn relieve(&mut self, index: u32, slot: *mut Slot) {
        // SAFETY: a slot of this core; no handler runs.
        let head = unsafe { &mut (*slot).head };
        // SAFETY: a place that was taken.
        let left = unsafe { self.table.credit(index) }.load(Ordering::Relaxed);
        let bound = Bound::from_bits(head.bound.load(Ordering::Relaxed)).messages();
        if head.word.bits() & flag::CONGESTED == 0 || left < (bound / 2).max(1) as i32 {
            return;
        }
        head.word.remove(flag::CONGESTED);
        let word = head.word.bits() & !LOW_BYTE;
        if let Some(route) = self.table.route(index) {
            route.store(word | self.core, Ordering::Release);
        }
        self.unmute_senders(index);
    }

    /// Puts an entry into the actor's deferred list.
    pub(super) fn defer(&mut self, header: Header, payload: *mut u8, source: Source) {
        let mut line = Line::new(header, EMPTY);
        // SAFETY: a payload has so many bytes, and the two don't overlap.
        unsafe {
            payload.copy_to_nonoverlapping(line.payload.as_mut_ptr().cast(), size_of_val(&line.payload))
        };
        self.defer_line(line);
        if source == Source::Ring {
            // From now on it waits in the queue, so it uses credit.
            // SAFETY: the index of an entry.
            let credit = unsafe { self.table.credit(header.dst) };
            credit.store(credit.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
            self.mark_if_spent(header.dst);
        }
    }

    pub(super) fn defer_line(&mut self, line: Line) {
        // SAFETY: the slot of an actor of this core; only the head is touched.
        let head = unsafe { &mut (*self.table.slot(line.header.dst)).head };
        head.deferred = self.deferred.append(head.deferred, line);
        head.deferred_count += 1;
    }

    /// Senders on other cores see it in the routing word when the queue is at its bound.
    pub(super) fn mark_if_spent(&mut self, index: u32) {
        // SAFETY: the index of an entry; only the head is touched.
        let (left, head) = unsafe {
            (self.table.credit(index).load(Ordering::Relaxed), &mut (*self.table.slot(index)).head)
        };
        if left <= 0 && head.word.bits() & flag::CONGESTED == 0 {
            head.word.add(flag::CONGESTED);
            if let Some(route) = self.table.route(index) {
                route.store(head.word.bits() & !LOW_BYTE | self.core | OVERLOADED, Ordering::Release);
            }
        }
    }

    /// An entry from a ring or from outside: handled here if its lane is urgent enough, queued or forwarded otherwise.
    #[inline]
    pub(super) fn arrive(&mut self, header: Header, payload: *mut u8) {
        let route = self.table.route(header.dst).map_or(0, |route| route.load(Ordering::Relaxed));
        let is_mine = (route ^ header.meta) & !LOW_BYTE == 0 && route & OWNER == self.core;
        if is_mine && header.meta & 0xff <= Lane::Normal as u32 {
            return self.dispatch(header, payload, Source::Ring);
        }
        self.arrive_rarely(header, payload, route, is_mine);
    }

    #[cold]
    fn arrive_rarely(&mut self, header: Header, payload: *mut u8, route: u32, is_mine: bool) {
        if header.tag == self.relocation_tag {
            return self.relocate(header, payload);
        }
        if (route ^ header.meta) & !LOW_BYTE != 0 {
            return self.dead_letter(header, payload);
        }
        if !is_mine && !self.moves.is_idle() && self.collect(header, payload) {
            return;
        }
        let mut line = Line::new(header, EMPTY);
        // SAFETY: a payload has so many bytes, and the two don't overlap.
        unsafe {
            payload.copy_to_nonoverlapping(line.payload.as_mut_ptr().cast(), size_of_val(&line.payload))
        };
        self.queue_entry(line, route, is_mine);
    }

    fn queue_entry(&mut self, line: Line, route: u32, is_mine: bool) {
        if is_mine {
            // SAFETY: the routing word has the entry's generation.
            let credit = unsafe { self.table.credit(line.header.dst) };
            credit.store(credit.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
            self.mark_if_spent(line.header.dst);
        }
        self.send_line((route & OWNER) as usize, line);
    }

    /// As `arrive`, but nothing is handled yet.
    pub(super) fn queue_arrival(&mut self, line: &mut Line) {
        if line.header.tag == self.relocation_tag {
            return self.relocate(line.header, line.payload.as_mut_ptr().cast());
        }
        let route = self.table.route(line.header.dst).map_or(0, |route| route.load(Ordering::Relaxed));
        if (route ^ line.header.meta) & !LOW_BYTE != 0 {
            return self.dead_letter(line.header, line.payload.as_mut_ptr().cast());
        }
        if !self.moves.is_idle() && self.collect_later(line) {
            return;
        }
        self.queue_entry(*line, route, route & OWNER == self.core);
    }

    /// A message for nobody: dropped as its type wants, and counted.
    pub(super) fn dead_letter(&mut self, header: Header, payload: *mut u8) {
        if header.tag == self.control_tag {
            return self.undeliverable(header, payload);
        }
        let tag = self.tag_within(header, payload);
        self.note_undelivered(Header { tag, ..header });
        self.tally.dead += 1;
        // SAFETY: an entry's payload is of its tag, and who calls this does not take it.
        unsafe { discard(header.tag, payload) };
    }

    /// Gives an actor what was deferred, as much as there was when it began.
    pub(super) fn replay(&mut self, actor: Addr) {
        // SAFETY: the address came from this shard's own bookkeeping.
        let slot = unsafe { self.table.slot(actor.index()) };
        // SAFETY: each access is to the head of a slot of this core, between handlers.
        let head = |slot: *mut Slot| -> &'static mut Head { unsafe { &mut (*slot).head } };
        // SAFETY: an atomic; the place may have another life by now.
        if unsafe { (*slot).head.word.bits() } & !LOW_BYTE != actor.word() || !self.owns(actor) {
            return;
        }
        head(slot).word.remove(flag::REPLAYING);
        for _ in 0..head(slot).deferred_count {
            // SAFETY: as above.
            let word = unsafe { (*slot).head.word.bits() };
            if word & !LOW_BYTE != actor.word() || word & flag::DIVERTING != 0 || !self.owns(actor) {
                return;
            }
            let head = head(slot);
            let Some((mut line, last)) = self.deferred.take_first(head.deferred) else { return };
            head.deferred = last;
            head.deferred_count -= 1;
            self.dispatch(line.header, line.payload.as_mut_ptr().cast(), Source::Queue);
        }
    }

    /// Drops what was deferred for an actor that has ended.
    pub(super) fn discard_deferred(&mut self, mut last: u32) {
        while let Some((mut line, left)) = self.deferred.take_first(last) {
            last = left;
            self.dead_letter(line.header, line.payload.as_mut_ptr().cast());
        }
        debug_assert_eq!(last, NONE, "a list ends with its last node");
    }

    /// Nobody's turn: what is sent now is the runtime's.
    pub(super) fn step_back(&mut self) {
        self.current.index = NOBODY;
        self.current.head = core::ptr::null_mut();
    }
}
