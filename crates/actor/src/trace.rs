//! What a core did lately: a ring of small records that is written always and read by anybody without stopping it.
//!
//! # Protocol
//! One writer, any number of readers. A record's stamp is taken away before its fields are written and set afterwards,
//! with the record's number in it. A reader takes the stamp, the fields, and the stamp again: when both are the number
//! it wants, the fields are of that record; otherwise the record was overwritten meanwhile and is dropped. The writer
//! never looks at a reader, so the cost is five plain stores to one line.

use alloc::boxed::Box;
use core::fmt;

use crate::sync::{Arc, AtomicU64, Ordering, fence};

/// Records of a core's trace unless the caller has a reason: 128 KiB, some tens of microseconds of full speed.
pub const TRACE_RECORDS_DEFAULT: usize = 4096;

/// The most records of one trace: 32 MiB.
pub const TRACE_RECORDS_MAX: usize = 1 << 20;

/// Bits of the stamp that hold the kind; the record's number lies above them and lasts for years at full speed.
const KIND_BITS: u32 = 16;

/// One thing that happened on a core. What kinds there are, and what `peer` means for each, is the executor's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When, in nanoseconds of the platform's clock.
    pub time: u64,
    /// What.
    pub kind: u16,
    /// Whose turn it was: the bits of its address.
    pub actor: u64,
    /// The other side's address, or the message's tag.
    pub peer: u64,
}

/// How far a read came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Events given to the caller.
    pub read: u64,
    /// Events that were overwritten before this reader came to them.
    pub missed: u64,
}

#[repr(align(32))]
struct Slot {
    /// The number of the record and its kind; zero while it is written.
    stamp: AtomicU64,
    time: AtomicU64,
    actor: AtomicU64,
    peer: AtomicU64,
}

struct Shared {
    slots: Box<[Slot]>,
}

/// The end that a core writes to.
pub struct TraceWriter {
    shared: Arc<Shared>,
    number: u64,
}

/// An end that reads, from where it is on.
#[derive(Clone)]
pub struct TraceReader {
    shared: Arc<Shared>,
    number: u64,
}

/// A trace of `records` records, rounded up to a power of two and kept within 1 and [`TRACE_RECORDS_MAX`].
pub fn trace(records: usize) -> (TraceWriter, TraceReader) {
    let records = records.clamp(1, TRACE_RECORDS_MAX).next_power_of_two();
    let zero = || AtomicU64::new(0);
    let slot = || Slot { stamp: zero(), time: zero(), actor: zero(), peer: zero() };
    let shared = Arc::new(Shared { slots: (0..records).map(|_| slot()).collect() });
    // Numbers start at one: a stamp of zero is no record.
    (TraceWriter { shared: shared.clone(), number: 1 }, TraceReader { shared, number: 1 })
}

impl Shared {
    #[inline(always)]
    fn slot(&self, number: u64) -> &Slot {
        let index = number as usize & (self.slots.len() - 1);
        // SAFETY: the length is a power of two (see `trace`), so the masked index is below it.
        unsafe { self.slots.get_unchecked(index) }
    }
}

impl TraceWriter {
    /// Writes a record over the oldest one.
    #[inline(always)]
    pub fn record(&mut self, event: Event) {
        let slot = self.shared.slot(self.number);
        slot.stamp.store(0, Ordering::Relaxed);
        // Who reads a field of this record sees the stamp gone as well: pairs with the fence of `read_one`.
        fence(Ordering::Release);
        slot.time.store(event.time, Ordering::Relaxed);
        slot.actor.store(event.actor, Ordering::Relaxed);
        slot.peer.store(event.peer, Ordering::Relaxed);
        let stamp = self.number << KIND_BITS | u64::from(event.kind);
        slot.stamp.store(stamp, Ordering::Release);
        self.number += 1;
    }
}

/// What a reader found where a record should be.
enum Found {
    Event(Event),
    /// Not written yet, or being written.
    Nothing,
    /// A record of a later lap, of this number.
    Later(u64),
}

impl TraceReader {
    /// Gives the events since the last read, oldest first; at most twice as many as the trace holds.
    pub fn read(&mut self, mut take: impl FnMut(Event)) -> Progress {
        let mut progress = Progress { read: 0, missed: 0 };
        let records = self.shared.slots.len() as u64;
        // A look at each record to find the oldest one, then a look at each to read it: a fast writer can't hold a
        // reader here for ever.
        for _ in 0..2 * records {
            match self.read_one() {
                Found::Event(event) => {
                    take(event);
                    progress.read += 1;
                    self.number += 1;
                }
                Found::Nothing => break,
                Found::Later(number) => {
                    // The oldest that can still be there is the one after what this overwrote.
                    let oldest = number - records + 1;
                    progress.missed += oldest - self.number;
                    self.number = oldest;
                }
            }
        }
        progress
    }

    fn read_one(&self) -> Found {
        let slot = self.shared.slot(self.number);
        let stamp = slot.stamp.load(Ordering::Acquire);
        let number = stamp >> KIND_BITS;
        if number > self.number {
            return Found::Later(number);
        }
        if number < self.number {
            return Found::Nothing;
        }
        let event = Event {
            time: slot.time.load(Ordering::Relaxed),
            kind: stamp as u16,
            actor: slot.actor.load(Ordering::Relaxed),
            peer: slot.peer.load(Ordering::Relaxed),
        };
        // Between the fields and the second look at the stamp: pairs with the fence of `record`.
        fence(Ordering::Acquire);
        if slot.stamp.load(Ordering::Relaxed) == stamp { Found::Event(event) } else { Found::Nothing }
    }
}

impl fmt::Debug for TraceWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceWriter(of {}, at {})", self.shared.slots.len(), self.number)
    }
}

impl fmt::Debug for TraceReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceReader(of {}, at {})", self.shared.slots.len(), self.number)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
