//! Dead letters: messages that found nobody, counted by reason, the last ones kept as records.
//!
//! Each core writes its own book, anyone reads it without stopping the core. A record says who, to whom and of which
//! type, never what was in the message. Who sent is known when the send itself was refused; a message whose receiver
//! ended while it was on its way does not say where it comes from, since its line has no room for that.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::address::{Addr, Rights};
use crate::message::{Header, TYPES};
use crate::platform::Core;
use crate::shard::Shard;
use crate::system::System;
use crate::trace::{Event, TraceReader};

/// Records that each core keeps: 32 KiB.
pub(crate) const RECORDS: usize = 1 << 10;
const REASONS: usize = 4;
/// Above these bits of a record's kind lies the reason.
const TAG_BITS: u32 = 12;

/// Why nobody took a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Undelivered {
    /// The receiver had ended when it was sent; the sender was told.
    Refused = 0,
    /// The receiver ended while it was on its way or waited.
    Ended = 1,
    /// The receiver takes no such messages, or an answer came too late.
    Unwanted = 2,
    /// The address did not allow it; the sender was told.
    Forbidden = 3,
}

impl Undelivered {
    const ALL: [Self; REASONS] = [Self::Refused, Self::Ended, Self::Unwanted, Self::Forbidden];
}

/// One message that nobody took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetter {
    /// When, in nanoseconds of the platform's clock, as of its core's last look.
    pub at_ns: u64,
    /// Who sent it, without rights, if that is known.
    pub from: Option<Addr>,
    /// To whom, without rights.
    pub to: Addr,
    /// The name of the message's type, for people.
    pub message: &'static str,
    /// Why.
    pub why: Undelivered,
}

/// The dead letters of one core.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadLetters {
    /// How many there ever were, in the order of [`Undelivered`].
    pub counts: [u64; REASONS],
    /// The last ones, the oldest first.
    pub last: Vec<DeadLetter>,
}

impl DeadLetters {
    /// How many there ever were for this reason.
    pub const fn count(&self, why: Undelivered) -> u64 {
        self.counts[why as usize]
    }
}

/// What a core shows of its dead letters.
pub(crate) struct DeadBook {
    counts: [AtomicU64; REASONS],
    reader: TraceReader,
}

impl DeadBook {
    pub(crate) fn new(reader: TraceReader) -> Self {
        Self { counts: [const { AtomicU64::new(0) }; REASONS], reader }
    }

    fn read(&self) -> DeadLetters {
        let mut letters = DeadLetters::default();
        for (count, book) in letters.counts.iter_mut().zip(&self.counts) {
            *count = book.load(Ordering::Relaxed);
        }
        let nobody = Addr::new(u32::MAX, 0, Rights::NONE);
        let whole = |bits| Addr::from_bits(bits).with_rights(Rights::NONE);
        // The trace writes on while it is read; what is overwritten meanwhile is left out.
        self.reader.clone().read(|event| {
            let from = Some(whole(event.actor)).filter(|from| *from != nobody);
            let why = Undelivered::ALL[usize::from(event.kind >> TAG_BITS) % REASONS];
            let tag = u32::from(event.kind) & ((1 << TAG_BITS) - 1);
            let message = TYPES.at(tag).map_or("unknown", |message| (message.name)());
            letters.last.push(DeadLetter { at_ns: event.time, from, to: whole(event.peer), message, why });
        });
        letters
    }
}

impl Shard {
    /// A message for an actor that has ended or takes no such thing.
    #[cold]
    pub(crate) fn note_undelivered(&mut self, header: Header) {
        let to = Addr::from_word(header.dst, header.meta);
        let why = if self.shared.lives(to) { Undelivered::Unwanted } else { Undelivered::Ended };
        self.note_dead(Addr::new(u32::MAX, 0, Rights::NONE), to, header.tag, why);
    }

    pub(crate) fn note_dead(&mut self, from: Addr, to: Addr, tag: u32, why: Undelivered) {
        let Some(book) = self.shared.commons.dead.get(self.core as usize) else { return };
        let count = &book.counts[why as usize];
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        let kind = (why as u16) << TAG_BITS | tag as u16 & ((1 << TAG_BITS) - 1);
        let event = Event { time: self.now, kind, actor: from.as_bits(), peer: to.as_bits() };
        if let Some(writer) = &mut self.bonds.dead {
            writer.record(event);
        }
    }
}

impl System {
    /// What became nobody's on a core; none when there is no such core.
    pub fn dead_letters(&self, core: Core) -> Option<DeadLetters> {
        self.shared().commons.dead.get(core.index()).map(DeadBook::read)
    }
}
