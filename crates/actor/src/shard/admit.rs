//! Whether and where a message may go: the checks of every send, and what a congested receiver means for it.

use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::Ordering;

use super::control::Control;
use super::{Shard, after};
use crate::address::{Addr, LOW_BYTE, Rights};
use crate::bound::{Bound, HARD_FACTOR, Policy};
use crate::message::{EMPTY, Header, Lane, Line, Packet, put};
use crate::send::{Refusal, Sent};
use crate::table::{OVERLOADED, OWNER, bump, flag};

/// Packets that wait for room in one ring, 14 MiB: what `send` may go beyond the ring before it refuses.
const OVERFLOW_MAX: usize = 1 << 18;

/// What the sender wants when the receiver is congested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// To be refused.
    Try,
    /// To go beyond the soft bound.
    Insist,
}

/// Where a message goes that was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Local(Sent),
    Remote(usize, Sent),
    /// To this core, in an envelope.
    Enveloped(usize, Sent),
    /// The receiver's policy drops it.
    Nowhere,
}

impl Shard {
    /// Sends a value whose type the tag names. The value comes back when it is refused.
    ///
    /// # Safety
    /// `tag` is the tag of `M`.
    #[inline(always)]
    pub(crate) unsafe fn send<M: Send + 'static>(
        &mut self,
        to: Addr,
        tag: u32,
        lane: Lane,
        urgency: Urgency,
        message: M,
    ) -> Result<Sent, (Refusal, M)> {
        let way = match self.admit(to, lane, urgency) {
            Ok(way) => way,
            Err(refusal) => {
                // SAFETY: the caller's words.
                return unsafe { self.send_otherwise(to, tag, lane, urgency, (refusal, message)) };
            }
        };
        match way {
            Way::Local(sent) => {
                let line = self.lanes[lane as usize].push(&mut self.chunks);
                // SAFETY: `push` gives the place of an entry to fill; it is filled before anything else happens.
                // Field by field: a header that was put together in memory first and is copied from there at once
                // waits for the stores that made it, some fifteen cycles.
                unsafe {
                    (&raw mut (*line).header.dst).write(to.index());
                    (&raw mut (*line).header.meta).write(to.word() | lane as u32);
                    (&raw mut (*line).header.tag).write(tag);
                    put((&raw mut (*line).payload).cast(), message);
                }
                Ok(sent)
            }
            Way::Remote(core, sent) => {
                let header = Header { dst: to.index(), meta: to.word() | lane as u32, tag };
                // SAFETY: the caller's words.
                unsafe { self.send_remote(core, header, message) };
                Ok(sent)
            }
            Way::Enveloped(core, sent) => {
                let header = Header { dst: to.index(), meta: to.word() | lane as u32, tag };
                // SAFETY: the caller's words.
                unsafe { self.send_enveloped(core, header, message) };
                Ok(sent)
            }
            Way::Nowhere => Ok(Sent::Dropped),
        }
    }

    /// The checks of a send: right, generation, owner, bound. Three loads and two compares when all is well.
    #[inline(always)]
    pub(crate) fn admit(&mut self, to: Addr, lane: Lane, urgency: Urgency) -> Result<Way, Refusal> {
        if !to.rights().contains(Rights::SEND) {
            return Err(Refusal::Forbidden);
        }
        let Some(route) = self.table.route(to.index()) else { return Err(Refusal::Gone) };
        let word = route.load(Ordering::Acquire);
        // A key that no word has sends a handler that is part of a request the long way.
        if u64::from(word) == u64::from(to.word()) | self.key {
            // SAFETY: the routing word has the address's generation, so the place was taken.
            let credit = unsafe { self.table.credit(to.index()) };
            let left = credit.load(Ordering::Relaxed);
            if left > 0 {
                credit.store(left - 1, Ordering::Relaxed);
                self.count_sent();
                return Ok(Way::Local(Sent::Taken));
            }
        }
        self.admit_rarely(to, word, lane, urgency)
    }

    #[inline(always)]
    pub(super) fn count_sent(&mut self) {
        let head = self.current.head;
        if !head.is_null() {
            // SAFETY: `current.head` is null or the head of the slot whose handler runs, which this core owns.
            bump(unsafe { &(*head).sent });
        }
    }

    #[inline(never)]
    fn admit_rarely(&mut self, to: Addr, word: u32, lane: Lane, urgency: Urgency) -> Result<Way, Refusal> {
        let way = self.admit_by(to, word, lane, urgency)?;
        self.count_sent();
        Ok(self.routed(way))
    }

    /// Where a message may go by the receiver's routing word.
    pub(super) fn admit_by(
        &mut self,
        to: Addr,
        word: u32,
        lane: Lane,
        urgency: Urgency,
    ) -> Result<Way, Refusal> {
        if word & !LOW_BYTE != to.word() {
            return Err(Refusal::Gone);
        }
        if word & OWNER == self.core {
            self.admit_local(to, lane, urgency)
        } else {
            self.admit_remote(to, word, lane, urgency)
        }
    }

    fn admit_remote(&mut self, to: Addr, word: u32, lane: Lane, urgency: Urgency) -> Result<Way, Refusal> {
        let core = (word & OWNER) as usize;
        let Some(Some(link)) = self.links.get(core) else { return Err(Refusal::Gone) };
        if lane == Lane::System {
            return Ok(Way::Remote(core, Sent::Taken));
        }
        let waiting = link.overflow.len();
        if word & OVERLOADED == 0 && waiting == 0 {
            return Ok(Way::Remote(core, Sent::Taken));
        }
        if waiting >= OVERFLOW_MAX || urgency == Urgency::Try {
            self.count_refused();
            return Err(Refusal::Full);
        }
        if word & OVERLOADED != 0 {
            self.press(to);
        }
        Ok(Way::Remote(core, Sent::Congested))
    }

    fn admit_local(&mut self, to: Addr, lane: Lane, urgency: Urgency) -> Result<Way, Refusal> {
        // SAFETY: the caller found the address's generation in the routing word, and this core as the owner.
        let (credit, slot) = unsafe { (self.table.credit(to.index()), self.table.slot(to.index())) };
        let left = credit.load(Ordering::Relaxed);
        if lane == Lane::System || left > 0 {
            // Taking without looking is what keeps the system lane open; the debt is paid back on dispatch.
            credit.store(left - 1, Ordering::Relaxed);
            return Ok(Way::Local(if lane == Lane::System || left > 1 {
                Sent::Taken
            } else {
                Sent::Congested
            }));
        }
        // SAFETY: as above; only the head is touched, never the state that a handler may hold.
        let head = unsafe { &mut (*slot).head };
        head.word.add(flag::CONGESTED);
        let bound = Bound::from_bits(head.bound.load(Ordering::Relaxed));
        let beyond = left.unsigned_abs() >= bound.messages().saturating_mul(HARD_FACTOR - 1);
        let way = match (bound.policy(), urgency) {
            (Policy::DropNewest, _) => Ok(Way::Nowhere),
            (Policy::DropOldest, _) => {
                head.overdue += 1;
                Ok(Way::Local(Sent::Congested))
            }
            (_, Urgency::Insist) if !beyond => Ok(Way::Local(Sent::Congested)),
            _ => Err(Refusal::Full),
        };
        if matches!(way, Ok(Way::Local(_))) {
            credit.store(left - 1, Ordering::Relaxed);
        } else {
            // SAFETY: as above.
            bump(unsafe { &self.table.account(to.index()).refused });
        }
        if let Some(route) = self.table.route(to.index()) {
            route.store(to.word() | self.core | OVERLOADED, Ordering::Release);
        }
        if bound.policy() == Policy::MuteSender {
            self.mute_current(to);
        }
        way
    }

    /// The sender that runs is not run again until `congested` has room. One that is congested itself goes on: its
    /// queue must go down, or two such could wait for each other.
    fn mute_current(&mut self, congested: Addr) {
        let head = self.current.head;
        if head.is_null() || self.current.index == congested.index() {
            return;
        }
        // SAFETY: the head of the slot whose handler runs, which this core owns.
        let word = unsafe { &(*head).word };
        if word.bits() & (flag::CONGESTED | flag::MUTED) == 0 {
            word.add(flag::MUTED);
            let sender = Addr::from_word(self.current.index, word.bits());
            self.muted_by.entry(congested.index()).or_default().push(sender);
        }
    }

    /// Tells the owner of a congested actor who sends to it, once a turn, so that it can mute the sender.
    fn press(&mut self, to: Addr) {
        if !self.current.head.is_null() && self.after & after::PRESSED == 0 {
            self.after |= after::PRESSED;
            let sender = self.current_addr();
            self.control(to, Lane::System, Control::Pressure(sender));
        }
    }

    /// Puts a message into the ring to another core, or behind it.
    ///
    /// # Safety
    /// `header.tag` is the tag of `M`.
    #[inline]
    pub(super) unsafe fn send_remote<M: Send>(&mut self, core: usize, header: Header, message: M) {
        let Some(Some(link)) = self.links.get_mut(core) else { return };
        let message = ManuallyDrop::new(message);
        let fill = |place: &mut core::mem::MaybeUninit<Packet>| {
            let packet = place.as_mut_ptr();
            // SAFETY: the place is a packet's; the message is read out once, since the other reader below runs only
            // when this closure has not.
            unsafe {
                (&raw mut (*packet).head).write(Packet::pack(header));
                put((&raw mut (*packet).payload).cast(), ptr::read(&*message));
            }
        };
        // SAFETY: `fill` writes the head and the part of the payload that the type needs; the rest may be anything.
        if !link.overflow.is_empty() || !unsafe { link.producer.push_with(fill) } {
            let mut packet = Packet { head: Packet::pack(header), payload: EMPTY };
            // SAFETY: the payload is ours.
            unsafe { put(packet.payload.as_mut_ptr().cast(), ManuallyDrop::into_inner(message)) };
            link.overflow.push_back(packet);
        }
        link.debt.publish();
        self.tally.remote += 1;
    }

    /// A line goes where its header says, as it is: forwarded, replayed from outside, put back.
    pub(super) fn send_line(&mut self, core: usize, mut line: Line) {
        if core == self.core as usize {
            let place = self.lanes[line.header.lane() as usize].push(&mut self.chunks);
            // SAFETY: `push` gives the place of an entry to fill.
            unsafe { place.write(line) };
        } else if let Some(Some(link)) = self.links.get_mut(core) {
            link.overflow.push_back(Packet { head: Packet::pack(line.header), payload: line.payload });
            link.debt.publish();
        } else {
            self.dead_letter(line.header, line.payload.as_mut_ptr().cast());
        }
    }

    fn count_refused(&mut self) {
        if self.current.index != super::NOBODY {
            // SAFETY: the actor that runs lies in a place that was taken.
            bump(unsafe { &self.table.account(self.current.index).refused });
        }
    }

    /// The actor that runs, with all rights.
    pub(crate) fn current_addr(&self) -> Addr {
        if self.current.head.is_null() {
            return Addr::new(super::NOBODY, 0, Rights::NONE);
        }
        // SAFETY: not null, so the head of the slot whose handler runs, which this core owns.
        Addr::from_word(self.current.index, unsafe { (*self.current.head).word.bits() })
    }
}
