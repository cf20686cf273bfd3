//! Open questions of a shard's actors, and the answers to them.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::{KnownKind, Shard, Timer, Urgency};
use crate::address::{Addr, Address, LOW_BYTE};
use crate::ask::{Answer, AskError, Back, Reply, is_short};
use crate::message::{EMPTY, Header, Lane, message_type, put, tag_of, take};
use crate::send::Refusal;
use crate::table::{Slot, flag};
use crate::wheel::Token;

/// Turns an answer's payload (null: none came) into a message of the asker, written to the second place.
type Complete = Box<dyn FnOnce(*mut u8, *mut u8) + Send>;

/// Below the core, a name has 56 bits: a million a second last for two thousand years.
const NAME_CORE_SHIFT: u32 = 56;

/// The core that gave a name.
pub(super) const fn core_of_name(name: u64) -> u32 {
    (name >> NAME_CORE_SHIFT) as u32
}

/// A question that was not answered yet.
pub(super) struct Open {
    asker: Addr,
    tag: u32,
    lane: Lane,
    deadline: Token,
    deadline_ns: u64,
    waits: Waits,
    complete: Complete,
}

/// What the asker does meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// It takes other messages.
    Working,
    /// Its other messages are deferred.
    Holding,
}

/// All open questions, and what else has a name and a moment.
#[derive(Default)]
pub(crate) struct Asks {
    open: BTreeMap<u64, Open>,
    /// The tags that answers to this shard's questions have had: only their payloads begin with a ticket.
    tags: alloc::collections::BTreeSet<u32>,
    /// The tags by the description of the type, so that a question needs no lock.
    known: BTreeMap<usize, u32>,
    names: u64,
    pub(super) intervals: BTreeMap<u64, Token>,
    pub(super) due: VecDeque<Timer>,
}

impl Asks {
    /// Names carry the core in their top byte: who moves takes its own along to where others have theirs.
    pub(super) fn of_core(core: u32) -> Self {
        Self { names: u64::from(core) << NAME_CORE_SHIFT, ..Self::default() }
    }

    pub(super) fn next_name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    fn tag<T: Send + 'static>(&mut self) -> u32 {
        let description = core::ptr::from_ref(message_type::<T>()) as usize;
        *self.known.entry(description).or_insert_with(tag_of::<T>)
    }

    fn answer_tag<R: Send + 'static>(&mut self) -> u32 {
        if is_short::<R>() { self.tag::<Answer<R>>() } else { self.tag::<Answer<Box<R>>>() }
    }
}

/// # Safety
/// The payload was filled by `Shard::send_answer` with the same `R`, and is taken once.
unsafe fn take_answer<R: Send + 'static>(payload: *mut u8) -> R {
    if is_short::<R>() {
        // SAFETY: short answers are sent as they are.
        unsafe { take::<Answer<R>>(payload) }.value
    } else {
        // SAFETY: longer ones as boxes.
        *unsafe { take::<Answer<Box<R>>>(payload) }.value
    }
}

impl Shard {
    /// Takes an actor's open questions out, for a move.
    pub(super) fn pack_questions(&mut self, asker: Addr) -> Vec<(u64, Open)> {
        let is_its = |open: &Open| open.asker.is_same_actor(asker);
        let tickets: Vec<_> =
            self.asks.open.iter().filter(|(_, open)| is_its(open)).map(|(ticket, _)| *ticket).collect();
        let wheel = &mut self.wheel;
        let take = |ticket| {
            let open = self.asks.open.remove(&ticket)?;
            wheel.cancel(open.deadline);
            Some((ticket, open))
        };
        tickets.into_iter().filter_map(take).collect()
    }

    /// Goes on waiting for the answers to questions that were asked on another core.
    pub(super) fn unpack_questions(&mut self, questions: Vec<(u64, Open)>) {
        for (ticket, mut open) in questions {
            // Without room for a timer it is late at once.
            match self.wheel.insert(open.deadline_ns, Timer::Deadline(ticket)) {
                Ok(deadline) => open.deadline = deadline,
                Err(timer) => self.asks.due.push_back(timer),
            }
            self.asks.tags.insert(open.tag);
            self.asks.open.insert(ticket, open);
        }
    }

    /// How many questions are open here.
    pub(super) fn questions(&self) -> usize {
        self.asks.open.len()
    }

    /// Asks on behalf of the actor that runs.
    pub(crate) fn ask<R, Q, M>(
        &mut self,
        to: Address<Q>,
        within: Duration,
        waits: Waits,
        question: impl FnOnce(Reply<R>) -> Q,
        map: impl FnOnce(Result<R, AskError>) -> M + Send + 'static,
    ) -> Result<(), Refusal>
    where
        R: Send + 'static,
        Q: Send + 'static,
        M: Send + 'static,
    {
        // The answer becomes a message of the asker's own type.
        let Some(asker) = self.this::<M>() else { return Err(Refusal::Forbidden) };
        let (ticket, tag, lane) = (self.asks.next_name(), self.asks.answer_tag::<R>(), self.current.lane);
        self.now = self.shared.ground.now();
        let within_ns = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        let at = self.now.saturating_add(within_ns);
        let deadline = self.wheel.insert(at, Timer::Deadline(ticket)).map_err(|_| Refusal::Full)?;
        let complete = Box::new(move |payload: *mut u8, out: *mut u8| {
            let answer = if payload.is_null() {
                Err(AskError::Late)
            } else {
                // SAFETY: not null, so an answer, whose tag was compared with that of this question.
                Ok(unsafe { take_answer::<R>(payload) })
            };
            // SAFETY: `out` is a payload to be filled.
            unsafe { put(out, map(answer)) };
        });
        let back = Back::Actor { to: asker.addr(), ticket, tag, lane };
        // SAFETY: an address carries the tag of its type.
        let sent =
            unsafe { self.send(to.addr(), to.tag(), lane, Urgency::Try, question(Reply { way: back })) };
        if let Err((refusal, _question)) = sent {
            self.wheel.cancel(deadline);
            return Err(refusal);
        }
        self.asks.tags.insert(tag);
        self.asks.open.insert(
            ticket,
            Open { asker: asker.addr(), tag, lane, deadline, deadline_ns: at, waits, complete },
        );
        if waits == Waits::Holding {
            self.set_flag(asker.addr().index(), flag::AWAITING);
        }
        Ok(())
    }

    /// Sends an answer to the asker's core.
    pub(crate) fn send_answer<R: Send + 'static>(
        &mut self,
        to: Addr,
        ticket: u64,
        tag: u32,
        lane: Lane,
        answer: R,
    ) {
        // SAFETY: the tag was made by `answer_tag` of the same type, as `Reply<R>` has it.
        let sent = unsafe {
            if is_short::<R>() {
                let answer = Answer { ticket, value: answer };
                self.send(to, tag, lane, Urgency::Insist, answer).is_ok()
            } else {
                let answer = Answer { ticket, value: Box::new(answer) };
                self.send(to, tag, lane, Urgency::Insist, answer).is_ok()
            }
        };
        if !sent {
            self.tally.dead += 1;
        }
    }

    /// A message that is not of the actor's type: an answer to one of its questions, or a dead letter.
    pub(super) fn answer(&mut self, slot: *mut Slot, header: Header, payload: *mut u8, known: KnownKind) {
        if !self.asks.tags.contains(&header.tag) {
            return self.dead_letter(header, payload);
        }
        // SAFETY: payloads of these tags are `Answer`s that lie in the entry, so they begin with the ticket.
        let ticket = unsafe { payload.cast::<u64>().read_unaligned() };
        let is_its = |open: &Open| {
            open.tag == header.tag
                && open.asker.index() == header.dst
                && open.asker.word() == header.meta & !LOW_BYTE
        };
        if !self.asks.open.get(&ticket).is_some_and(is_its) {
            return self.dead_letter(header, payload);
        }
        if let Some(open) = self.asks.open.remove(&ticket) {
            self.wheel.cancel(open.deadline);
            self.complete(slot, open, payload, known);
        }
    }

    /// The deadline of a question has passed.
    pub(super) fn expire(&mut self, ticket: u64) {
        let Some(open) = self.asks.open.remove(&ticket) else { return };
        // SAFETY: the asker was an actor of this core when it asked.
        let slot = unsafe { self.table.slot(open.asker.index()) };
        // SAFETY: atomics; the place may have another life by now.
        let (word, kind) = unsafe {
            ((*slot).head.word.bits(), (*slot).head.kind.load(core::sync::atomic::Ordering::Relaxed))
        };
        if word & !LOW_BYTE != open.asker.word() {
            return;
        }
        if let Some(known) = self.known_kind(kind) {
            self.complete(slot, open, core::ptr::null_mut(), known);
        }
    }

    /// Hands the asker what came of its question; at once, unless it takes no messages for another reason.
    fn complete(&mut self, slot: *mut Slot, open: Open, payload: *mut u8, known: KnownKind) {
        let mut out = EMPTY;
        let place: *mut u8 = out.as_mut_ptr().cast();
        (open.complete)(payload, place);
        let header =
            Header { dst: open.asker.index(), meta: open.asker.word() | open.lane as u32, tag: known.tag };
        if open.waits == Waits::Holding {
            self.release(open.asker, flag::AWAITING);
        }
        // SAFETY: only the head is read, between handlers.
        let word = unsafe { (*slot).head.word.bits() };
        if word & (flag::DIVERTING & !flag::REPLAYING) != 0 {
            return self.defer(header, place, super::dispatch::Source::Ring);
        }
        // SAFETY: `ask` checked that the closure makes messages of the asker's type, and the kind was found by the slot.
        unsafe { self.run_metered(slot, header, place, known.handle) };
    }
}
