//! The table of actors: slots, routing words, credits and accounts, in memory that is never given back while it lives.
//!
//! Four parallel tables, so that what senders on other cores read (the routing word) never shares a line with what the
//! owner writes for each message (slot, credit). False sharing of these was the worst loss that was ever measured here.
//!
//! # Who may touch what
//! - Routing word: anyone reads; the owner of the slot writes.
//! - Slot's head: the owner only, but for the atomic counters, which anyone reads.
//! - Slot's state: the owner only, and while a handler runs only the handler.
//! - Credit: the owner writes, anyone reads.
//! - Account: the owner writes, anyone reads.
//!
//! The owner of a slot is the core whose number the routing word carries; who takes a fresh slot owns it until it writes
//! another core into the word.

use alloc::alloc::{alloc_zeroed, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::mem::{MaybeUninit, size_of};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use crate::message::INDEX_BITS;
use crate::revoke::WARDS_MAX;

/// Places come in so many at least, so that there are blocks for each core and for who spawns from outside.
const PLACES_LEAST: u32 = 1 << 15;
/// Actors from which on slots are asked for in huge pages: the first 2 MiB are not, so that small systems stay small.
const HUGE_SLOTS_FROM: u32 = 1 << 15;
/// Actors from which on routing words and credits are: some 3 MiB more at that moment, 4 B an actor each later on.
const HUGE_WORDS_FROM: u32 = 1 << 17;
/// How the tables are aligned: each starts with a huge page where there are such.
const PART_ALIGN: usize = if cfg!(feature = "std") { 2 << 20 } else { 128 };
/// What every allocator gives without further ado.
const ALLOCATION_ALIGN: usize = 16;
/// Actors that a core takes from the table at once.
pub(crate) const BLOCK_ACTORS: u32 = 1 << 8;
/// The most actors of one system: all indices but those of wards.
pub const ACTORS_MAX: u32 = (1 << INDEX_BITS) - WARDS_MAX as u32;
const _: () = assert!(ACTORS_MAX.is_multiple_of(PLACES_LEAST), "tables end at the last actor");

/// The routing word's low byte: owner in seven bits, and one that says that the actor is overloaded.
pub(crate) const OVERLOADED: u32 = 1 << 7;
/// The part of the low byte that says who owns the slot.
pub(crate) const OWNER: u32 = OVERLOADED - 1;

/// A slot's kind with this bit: the actor is on its way from one core to another.
pub(crate) const MOVING: u32 = 1 << 31;
/// A slot's bound with this bit: the actor never moves.
pub(crate) const PINNED: u32 = 1 << 29;

/// The actor is not given messages; they go to its deferred list. One bit per reason.
pub(crate) mod flag {
    /// Somebody suspended it.
    pub(crate) const SUSPENDED: u32 = 1;
    /// It sent to a congested actor whose policy is to mute.
    pub(crate) const MUTED: u32 = 1 << 1;
    /// It waits for an answer.
    pub(crate) const AWAITING: u32 = 1 << 2;
    /// Deferred messages are being given to it; newer ones wait behind them.
    pub(crate) const REPLAYING: u32 = 1 << 3;
    /// It panicked and its fate is not decided, or it is being restarted.
    pub(crate) const FAILED: u32 = 1 << 4;
    /// Its queue reached the bound and has not come down to the half.
    pub(crate) const CONGESTED: u32 = 1 << 5;
    /// Its time is measured exactly.
    pub(crate) const METERED: u32 = 1 << 6;
    /// It was not told yet that it started.
    pub(crate) const NEW: u32 = 1 << 7;
    /// All that divert messages.
    pub(crate) const DIVERTING: u32 = SUSPENDED | MUTED | AWAITING | REPLAYING | FAILED;
}

/// The generation, shifted, and flags. Written by one thread at a time, the owner or who fills the place; atomic because
/// the owner may look at it, for a message to a former life, while another thread fills the place.
#[repr(transparent)]
pub(crate) struct Word(AtomicU32);

impl Word {
    #[inline(always)]
    pub(crate) fn bits(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set(&self, bits: u32) {
        self.0.store(bits, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn add(&self, flags: u32) {
        self.set(self.bits() | flags);
    }

    #[inline]
    pub(crate) fn remove(&self, flags: u32) {
        self.set(self.bits() & !flags);
    }
}

/// The owner's part of a slot.
#[repr(C)]
pub(crate) struct Head {
    /// Generation, shifted, and flags. Differs from what senders hold whenever dispatch must look closer.
    pub(crate) word: Word,
    /// The kind's number, and [`MOVING`].
    pub(crate) kind: AtomicU32,
    pub(crate) handled: AtomicU32,
    pub(crate) sent: AtomicU32,
    /// The last node of the deferred list, which is a circle.
    pub(crate) deferred: u32,
    pub(crate) deferred_count: u32,
    /// The bound in messages, policy in the top two bits, [`PINNED`] below them.
    pub(crate) bound: AtomicU32,
    /// Oldest messages still to drop, by policy.
    pub(crate) overdue: u32,
}

/// One actor: a line.
#[repr(C, align(64))]
pub(crate) struct Slot {
    pub(crate) head: Head,
    pub(crate) state: [MaybeUninit<u64>; 4],
}
const _: () = assert!(size_of::<Slot>() == 64, "a slot is one line");

/// What is counted seldom.
#[repr(C)]
pub(crate) struct Account {
    pub(crate) cpu_ns: AtomicU64,
    pub(crate) refused: AtomicU32,
    pub(crate) panics: AtomicU32,
}

/// All actors of a system.
pub(crate) struct Table {
    view: View,
    memory: Memory,
    blocks: AtomicU32,
    growing: crate::lock::Lock<()>,
}

/// Adds to a counter that only this core writes: no read-modify-write on the bus.
#[inline(always)]
pub(crate) fn bump(counter: &AtomicU32) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// Where the four tables are: what a core keeps at hand. Valid while the table lives.
#[derive(Clone, Copy)]
pub(crate) struct View {
    slots: *mut Slot,
    routes: *const AtomicU32,
    credits: *const AtomicI32,
    accounts: *const Account,
    count: u32,
}

// SAFETY: a view hands out raw pointers and atomics only; who may use them is written at the top.
unsafe impl Sync for View {}
// SAFETY: as above.
unsafe impl Send for View {}

impl View {
    /// The routing word of a place; none beyond the end of the table. Zero when the place was never taken.
    #[inline(always)]
    pub(crate) fn route(&self, index: u32) -> Option<&AtomicU32> {
        // SAFETY: there are `count` words, zeroed at first, and they live as long as the table.
        (index < self.count).then(|| unsafe { &*self.routes.add(index as usize) })
    }

    /// # Safety
    /// `index` is of a place that was taken.
    #[inline(always)]
    pub(crate) unsafe fn slot(&self, index: u32) -> *mut Slot {
        // SAFETY: places that were taken are below `count`.
        unsafe { self.slots.add(index as usize) }
    }

    /// # Safety
    /// `index` is of a place that was taken.
    #[inline(always)]
    pub(crate) unsafe fn credit(&self, index: u32) -> &AtomicI32 {
        // SAFETY: as for `slot`.
        unsafe { &*self.credits.add(index as usize) }
    }

    /// Where the credit of a place is, or would be: for asking for it ahead.
    #[inline(always)]
    pub(crate) fn credit_place(&self, index: u32) -> *const AtomicI32 {
        self.credits.wrapping_add(index as usize)
    }

    /// # Safety
    /// `index` is of a place that was taken.
    #[inline(always)]
    pub(crate) unsafe fn account(&self, index: u32) -> &Account {
        // SAFETY: as for `slot`.
        unsafe { &*self.accounts.add(index as usize) }
    }
}

impl Table {
    pub(crate) fn new(actors_max: u32) -> Self {
        let count = actors_max.clamp(1, ACTORS_MAX).next_multiple_of(PLACES_LEAST);
        let actors = count as usize;
        let mut end = 0;
        let mut part = |each: usize| {
            let start = end;
            end = (start + each * actors).next_multiple_of(PART_ALIGN);
            start
        };
        let (slots, routes) = (part(size_of::<Slot>()), part(size_of::<AtomicU32>()));
        let (credits, accounts) = (part(size_of::<AtomicI32>()), part(size_of::<Account>()));
        let memory = Memory::reserve(end);
        let start = memory.start();
        // SAFETY: all offsets lie within the reserved bytes.
        let view = unsafe {
            View {
                slots: start.add(slots).cast(),
                routes: start.add(routes).cast(),
                credits: start.add(credits).cast(),
                accounts: start.add(accounts).cast(),
                count,
            }
        };
        Self { view, memory, blocks: AtomicU32::new(0), growing: crate::lock::Lock::new(()) }
    }

    pub(crate) fn view(&self) -> View {
        self.view
    }

    /// Takes the next block of fresh places: the first index. None when the system's bound is reached.
    pub(crate) fn take_block(&self) -> Option<u32> {
        let growing = self.growing.lock();
        let block = self.blocks.load(Ordering::Relaxed);
        let first = block * BLOCK_ACTORS;
        if first >= self.view.count {
            return None;
        }
        if first == HUGE_SLOTS_FROM || first == HUGE_WORDS_FROM {
            self.prefer_huge(first);
        }
        self.blocks.store(block + 1, Ordering::Release);
        drop(growing);
        Some(first)
    }

    /// Asks for huge pages where a system of so many actors will use most of them.
    fn prefer_huge(&self, first: u32) {
        let View { slots, routes, credits, count, .. } = self.view;
        let offset = |part: *const u8| part as usize - self.memory.start() as usize;
        if first == HUGE_SLOTS_FROM {
            let slots = offset(slots.cast()) + first as usize * size_of::<Slot>();
            self.memory.prefer_huge(slots, (count - first) as usize * size_of::<Slot>());
        } else {
            self.memory.prefer_huge(offset(routes.cast()), count as usize * size_of::<AtomicU32>());
            self.memory.prefer_huge(offset(credits.cast()), count as usize * size_of::<AtomicI32>());
        }
    }

    /// How many places have ever been taken; all below are valid indices.
    pub(crate) fn places(&self) -> u32 {
        self.blocks.load(Ordering::Acquire) * BLOCK_ACTORS
    }
}

/// The memory of a table: one reservation, of which what is never touched costs nothing on an operating system.
struct Memory {
    allocation: NonNull<u8>,
    layout: Layout,
    shift: usize,
}

impl Memory {
    /// Zeroed memory whose start is aligned to [`PART_ALIGN`]. Asked for with a small alignment, because then allocators
    /// take memory that is zero already from the system and don't touch it.
    fn reserve(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes + PART_ALIGN, ALLOCATION_ALIGN);
        let layout = layout.unwrap_or(Layout::new::<[u128; 8]>());
        // SAFETY: the layout is not empty.
        let Some(allocation) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
            handle_alloc_error(layout)
        };
        let shift =
            (allocation.as_ptr() as usize).next_multiple_of(PART_ALIGN) - allocation.as_ptr() as usize;
        Self { allocation, layout, shift }
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: the shift is less than PART_ALIGN, which the allocation has beyond what was asked for.
        unsafe { self.allocation.as_ptr().add(self.shift) }
    }

    /// Asks for huge pages for a part of it; a wish, where there is nobody to be asked it stays one.
    fn prefer_huge(&self, offset: usize, bytes: usize) {
        #[cfg(feature = "std")]
        {
            // SAFETY: the part lies within the reserved bytes.
            let part = unsafe { self.start().add(offset) };
            // SAFETY: as above.
            unsafe { crate::platform::hosted::prefer_huge(part, bytes) };
        }
        #[cfg(not(feature = "std"))]
        let _ = (offset, bytes);
    }
}

// SAFETY: memory belongs to no thread; the table says who may touch what lies in it.
unsafe impl Sync for Memory {}
// SAFETY: as above.
unsafe impl Send for Memory {}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it came from `reserve` with this layout; nobody refers to it any more, because whoever does holds the
        // table.
        unsafe { dealloc(self.allocation.as_ptr(), self.layout) }
    }
}
