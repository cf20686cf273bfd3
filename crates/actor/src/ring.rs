//! The way from one core to another: a ring with one producer and one consumer, one cache line an entry.
//!
//! There is no shared tail: each entry carries the number of the position it was written for, and the consumer looks
//! only at the entry it waits for. The consumer tells how far it has read only once per eighth of the ring. So in the
//! steady state a message costs one line that moves once from core to core, and nothing else is shared.
//!
//! # Protocol
//! Positions count up and wrap around. Position `p` lies in entry `p & mask`; the entry is full for `p` once its
//! sequence is `p + 1`. The producer may write position `p` when `p - head < capacity`, where `head` is what the
//! consumer published last. An entry is written again only a whole lap later, so the one stale sequence that can be
//! read there is that of the lap before, never that of `p`.
//!
//! # Ending
//! When the consumer goes, what it had not taken is dropped and later pushes are refused. When the producer goes, what
//! it had sent can still be taken. The side that goes last drops whatever is left.

use alloc::boxed::Box;
use core::fmt;
use core::mem::MaybeUninit;

use crate::sync::{Arc, AtomicBool, AtomicUsize, Ordering, UnsafeCell};

/// Entries of a ring unless the caller has a reason: 64 KiB of lines stay in the second-level cache of both cores.
/// Four times as many cost a third of the speed.
pub const RING_ENTRIES_DEFAULT: usize = 1024;

/// The most entries of one ring: 4 MiB of lines. More than that is a queue that hides congestion.
pub const RING_ENTRIES_MAX: usize = 1 << 16;

/// The consumer publishes its position once per this part of the ring: often enough that the producer never waits for
/// long, seldom enough that the line of the position hardly moves.
const PUBLISHED_PARTS: usize = 8;

/// How far ahead the producer asks for entries to write: as many as it fills while a line comes from the other core.
const WRITE_AHEAD: usize = 8;

/// One line: the sequence and the value. Values up to 56 bytes with an alignment of 8 keep it one line.
#[repr(C, align(64))]
struct Entry<T> {
    sequence: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// Something on lines of its own, with its neighbour that the hardware fetches along.
#[repr(align(128))]
struct Apart<T>(T);

struct Shared<T> {
    entries: Box<[Entry<T>]>,
    /// How far the consumer has read, published now and then; exact once the consumer has gone.
    head: Apart<AtomicUsize>,
    /// The consumer has gone. Written once, so its line stays shared by both.
    closed: Apart<AtomicBool>,
}

// SAFETY: a value is reached by the producer only before its sequence is published and by the consumer only between
// that and the publication of `head`, so never by both; values themselves move between threads, hence `T: Send`.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above; nothing in it belongs to the thread that made it.
unsafe impl<T: Send> Send for Shared<T> {}

/// The sending end of a ring.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    tail: usize,
    /// The position that may not be written until `head` has been read again.
    limit: usize,
}

/// The receiving end of a ring.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    head: usize,
    published: usize,
}

/// A ring of `capacity` entries, rounded up to a power of two and kept within 1 and [`RING_ENTRIES_MAX`].
///
/// Up to an eighth of the ring may count as full although it has been read.
pub fn ring<T: Send>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let capacity = capacity.clamp(1, RING_ENTRIES_MAX).next_power_of_two();
    let empty = || Entry { sequence: AtomicUsize::new(0), value: UnsafeCell::new(MaybeUninit::uninit()) };
    let shared = Arc::new(Shared {
        entries: (0..capacity).map(|_| empty()).collect(),
        head: Apart(AtomicUsize::new(0)),
        closed: Apart(AtomicBool::new(false)),
    });
    (
        Producer { shared: shared.clone(), tail: 0, limit: capacity },
        Consumer { shared, head: 0, published: 0 },
    )
}

impl<T> Shared<T> {
    #[inline(always)]
    fn entry(&self, position: usize) -> &Entry<T> {
        let index = position & (self.entries.len() - 1);
        // SAFETY: the length is a power of two (see `ring`), so the masked index is below it.
        unsafe { self.entries.get_unchecked(index) }
    }

    /// The entry of `position` when it is full for that position.
    #[inline(always)]
    fn ready(&self, position: usize) -> Option<&Entry<T>> {
        let entry = self.entry(position);
        (entry.sequence.load(Ordering::Acquire) == position.wrapping_add(1)).then_some(entry)
    }
}

/// Asks for a line in order to write to it: it comes without its former owner's copy, and stores need not wait for it.
#[inline(always)]
fn fetch_to_write<T>(entry: &Entry<T>) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch changes nothing that a program can see; processors without it take it for no operation.
    unsafe {
        core::arch::asm!("prefetchw [{0}]", in(reg) core::ptr::from_ref(entry), options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = entry;
}

/// Asks for a line in order to read it.
#[inline(always)]
fn fetch_to_read<T>(entry: &Entry<T>) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch changes nothing that a program can see.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(entry).cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = entry;
}

impl<T: Send> Producer<T> {
    /// Sends a value.
    ///
    /// # Errors
    /// Gives the value back when the ring is full or the consumer has gone.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if !self.has_room() {
            return Err(value);
        }
        let entry = self.shared.entry(self.tail);
        entry.value.with_mut(|slot| {
            // SAFETY: `has_room` says that the consumer is past the last lap of this entry, and this position's
            // sequence is not published yet: the producer alone may touch the value.
            unsafe { (*slot).write(value) };
        });
        self.publish();
        Ok(())
    }

    /// Sends a value that `fill` writes where it will lie, without a copy. False, and `fill` not called, when the ring
    /// is full or the consumer has gone. When `fill` panics nothing is sent.
    ///
    /// # Safety
    /// `fill` must have initialised the slot when it returns.
    #[inline]
    pub unsafe fn push_with(&mut self, fill: impl FnOnce(&mut MaybeUninit<T>)) -> bool {
        if !self.has_room() {
            return false;
        }
        let entry = self.shared.entry(self.tail);
        entry.value.with_mut(|slot| {
            // SAFETY: as in `push`, the producer alone may touch the value.
            fill(unsafe { &mut *slot });
        });
        self.publish();
        true
    }

    /// How many more values fit for sure; the consumer may have made room for more since.
    pub fn room(&mut self) -> usize {
        self.refresh();
        self.limit.wrapping_sub(self.tail)
    }

    /// Whether the consumer has gone, so that nothing can be sent any more.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.shared.closed.0.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn has_room(&mut self) -> bool {
        if self.tail == self.limit {
            self.refresh();
        }
        self.tail != self.limit && !self.is_closed()
    }

    /// Reads how far the consumer is. Acquire: what it did with the entries lies before what the producer writes there.
    #[cold]
    fn refresh(&mut self) {
        let head = self.shared.head.0.load(Ordering::Acquire);
        self.limit = head.wrapping_add(self.shared.entries.len());
    }

    #[inline(always)]
    fn publish(&mut self) {
        let sequence = self.tail.wrapping_add(1);
        self.shared.entry(self.tail).sequence.store(sequence, Ordering::Release);
        self.tail = sequence;
        if self.limit.wrapping_sub(sequence) > WRITE_AHEAD {
            fetch_to_write(self.shared.entry(sequence.wrapping_add(WRITE_AHEAD)));
        }
    }
}

impl<T> Consumer<T> {
    /// The oldest value that has not been taken, where it lies.
    #[inline]
    pub fn peek(&mut self) -> Option<&mut T> {
        let entry = self.shared.ready(self.head)?;
        // SAFETY: the sequence says that the value is written and the producer will not come back to it before `head`
        // is published beyond it, which takes `&mut self` and so ends this borrow first.
        Some(entry.value.with_mut(|slot| unsafe { (*slot).assume_init_mut() }))
    }

    /// Drops the oldest value where it lies; nothing happens when there is none.
    #[inline]
    pub fn advance(&mut self) {
        let Some(entry) = self.shared.ready(self.head) else { return };
        // The position moves first: a value whose drop panics is not dropped twice. It is published only afterwards.
        self.head = self.head.wrapping_add(1);
        // SAFETY: as in `peek`; the position has moved, so this value is never reached again.
        entry.value.with_mut(|slot| unsafe { (*slot).assume_init_drop() });
        self.publish_seldom();
    }

    /// Takes the oldest value.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let entry = self.shared.ready(self.head)?;
        // SAFETY: as in `advance`: read out once, because the position moves.
        let value = entry.value.with_mut(|slot| unsafe { (*slot).assume_init_read() });
        self.head = self.head.wrapping_add(1);
        self.publish_seldom();
        Some(value)
    }

    /// Takes up to `max` values in the order they were sent; gives how many there were.
    #[inline]
    pub fn drain(&mut self, max: usize, mut take: impl FnMut(T)) -> usize {
        for count in 0..max {
            let Some(value) = self.pop() else { return count };
            take(value);
        }
        max
    }

    /// Whether the value that is so many places behind the oldest one is there, and so all before it.
    #[inline(always)]
    pub fn is_filled(&self, ahead: usize) -> bool {
        self.shared.ready(self.head.wrapping_add(ahead)).is_some()
    }

    /// Asks for the entry that is so many places behind the oldest one. To be asked for only where [`Self::is_filled`]
    /// said yes: else the line is taken from under its writer's hands.
    #[inline(always)]
    pub fn fetch(&self, ahead: usize) {
        fetch_to_read(self.shared.entry(self.head.wrapping_add(ahead)));
    }

    /// Whether nothing can be taken at this moment.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.shared.ready(self.head).is_none()
    }

    #[inline(always)]
    fn publish_seldom(&mut self) {
        let stride = (self.shared.entries.len() / PUBLISHED_PARTS).max(1);
        if self.head.wrapping_sub(self.published) >= stride {
            self.publish();
        }
    }

    /// Release: whatever was done with the entries up to here lies before the producer's next lap.
    fn publish(&mut self) {
        self.published = self.head;
        self.shared.head.0.store(self.head, Ordering::Release);
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.shared.closed.0.store(true, Ordering::Relaxed);
        while self.pop().is_some() {}
        self.publish();
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // Both ends have gone, so `head` is exact, and full entries follow each other from there.
        let mut position = self.head.0.load(Ordering::Acquire);
        while let Some(entry) = self.ready(position) {
            // SAFETY: the entry is full, nobody else is left, and each position is visited once.
            entry.value.with_mut(|slot| unsafe { (*slot).assume_init_drop() });
            position = position.wrapping_add(1);
        }
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Producer(of {}, at {})", self.shared.entries.len(), self.tail)
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Consumer(of {}, at {})", self.shared.entries.len(), self.head)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
