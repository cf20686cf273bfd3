//! The table of actors: slots, routing words, credits and accounts, in pages that are never given back while it lives.
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
use alloc::boxed::Box;
use core::alloc::Layout;
use core::mem::{MaybeUninit, size_of};
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use crate::message::INDEX_BITS;

/// Actors of one page: its slots are 2 MiB, one huge page.
pub(crate) const PAGE_ACTORS: u32 = 1 << 15;
/// Actors that a core takes from the table at once.
pub(crate) const BLOCK_ACTORS: u32 = 1 << 8;
/// The most actors of one system.
pub const ACTORS_MAX: u32 = 1 << INDEX_BITS;

/// The routing word's low byte: owner in seven bits, and one that says that the actor is overloaded.
pub(crate) const OVERLOADED: u32 = 1 << 7;
/// The part of the low byte that says who owns the slot.
pub(crate) const OWNER: u32 = OVERLOADED - 1;

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
    pub(crate) kind: AtomicU32,
    pub(crate) handled: AtomicU32,
    pub(crate) sent: AtomicU32,
    /// The last node of the deferred list, which is a circle.
    pub(crate) deferred: u32,
    pub(crate) deferred_count: u32,
    /// The bound in messages, policy in the top two bits.
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

/// One page of each of the four tables.
#[derive(Default)]
struct Page {
    slots: AtomicPtr<Slot>,
    routes: AtomicPtr<AtomicU32>,
    credits: AtomicPtr<AtomicI32>,
    accounts: AtomicPtr<Account>,
}

/// All actors of a system.
pub(crate) struct Table {
    pages: Box<[Page]>,
    blocks: AtomicU32,
    growing: crate::lock::Lock<()>,
}

// SAFETY: the table hands out raw pointers and atomics only; who may use them is written at the top.
unsafe impl Sync for Table {}
// SAFETY: as above.
unsafe impl Send for Table {}

/// Adds to a counter that only this core writes: no read-modify-write on the bus.
#[inline(always)]
pub(crate) fn bump(counter: &AtomicU32) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// Where the pages are: what a core keeps at hand, so that a message's way to its slot is two reads shorter. Valid while
/// the table lives.
#[derive(Clone, Copy)]
pub(crate) struct View {
    pages: *const Page,
    count: u32,
}

impl View {
    /// The routing word of a place; none when no such place was ever taken.
    #[inline(always)]
    pub(crate) fn route(&self, index: u32) -> Option<&AtomicU32> {
        let number = index / PAGE_ACTORS;
        if number >= self.count {
            return None;
        }
        // SAFETY: there are `count` pages, and they live as long as the table.
        let page = unsafe { &*self.pages.add(number as usize) };
        let routes = page.routes.load(Ordering::Acquire);
        // SAFETY: a page of routes that exists has PAGE_ACTORS words, and lives as long as the table.
        (!routes.is_null()).then(|| unsafe { &*routes.add((index % PAGE_ACTORS) as usize) })
    }

    /// # Safety
    /// `index` is of a place that was taken, see [`Table::take_block`].
    #[inline(always)]
    unsafe fn page(&self, index: u32) -> &Page {
        // SAFETY: places that were taken lie in pages that exist.
        unsafe { &*self.pages.add((index / PAGE_ACTORS) as usize) }
    }

    /// # Safety
    /// `index` is of a place that was taken.
    #[inline(always)]
    pub(crate) unsafe fn slot(&self, index: u32) -> *mut Slot {
        // SAFETY: the caller's words; the page was complete before anyone learned the index.
        unsafe { self.page(index).slots.load(Ordering::Relaxed).add((index % PAGE_ACTORS) as usize) }
    }

    /// # Safety
    /// `index` is of a place that was taken.
    #[inline(always)]
    pub(crate) unsafe fn credit(&self, index: u32) -> &AtomicI32 {
        // SAFETY: as for `slot`.
        unsafe { &*self.page(index).credits.load(Ordering::Relaxed).add((index % PAGE_ACTORS) as usize) }
    }

    /// # Safety
    /// `index` is of a place that was taken.
    #[inline(always)]
    pub(crate) unsafe fn account(&self, index: u32) -> &Account {
        // SAFETY: as for `slot`.
        unsafe { &*self.page(index).accounts.load(Ordering::Relaxed).add((index % PAGE_ACTORS) as usize) }
    }
}

impl Table {
    pub(crate) fn new(actors_max: u32) -> Self {
        let pages = actors_max.clamp(1, ACTORS_MAX).div_ceil(PAGE_ACTORS);
        Self {
            pages: (0..pages).map(|_| Page::default()).collect(),
            blocks: AtomicU32::new(0),
            growing: crate::lock::Lock::new(()),
        }
    }

    pub(crate) fn view(&self) -> View {
        View { pages: self.pages.as_ptr(), count: self.pages.len() as u32 }
    }

    /// Takes the next block of fresh places: the first index. None when the system's bound is reached.
    pub(crate) fn take_block(&self) -> Option<u32> {
        let growing = self.growing.lock();
        let block = self.blocks.load(Ordering::Relaxed);
        let first = block * BLOCK_ACTORS;
        let page = self.pages.get((first / PAGE_ACTORS) as usize)?;
        if page.routes.load(Ordering::Relaxed).is_null() {
            page.slots.store(reserve::<Slot>(), Ordering::Release);
            page.credits.store(reserve::<AtomicI32>(), Ordering::Release);
            page.accounts.store(reserve::<Account>(), Ordering::Release);
            // The routes last: who finds them finds the rest.
            page.routes.store(reserve::<AtomicU32>(), Ordering::Release);
        }
        self.blocks.store(block + 1, Ordering::Release);
        drop(growing);
        Some(first)
    }

    /// How many places have ever been taken; all below are valid indices.
    pub(crate) fn places(&self) -> u32 {
        self.blocks.load(Ordering::Acquire) * BLOCK_ACTORS
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        for page in &mut self.pages {
            // SAFETY: all four came from `reserve` with the same type, or are null; nobody refers to them any more,
            // because whoever does holds the table.
            unsafe {
                release(*page.slots.get_mut());
                release(*page.routes.get_mut());
                release(*page.credits.get_mut());
                release(*page.accounts.get_mut());
            }
        }
    }
}

/// Room in front of a page for the line-aligned start and the way back to the allocation.
const SPARE: usize = 128;

fn layout<T>() -> Layout {
    let bytes = size_of::<T>() * PAGE_ACTORS as usize + SPARE;
    Layout::from_size_align(bytes, 16).unwrap_or(Layout::new::<[u128; 8]>())
}

/// A zeroed page of `T`, aligned to a line. Asked for with a small alignment, because then allocators take memory that
/// is zero already from the system, and places never used cost nothing.
fn reserve<T>() -> *mut T {
    // SAFETY: the layout is not empty.
    let start = unsafe { alloc_zeroed(layout::<T>()) };
    if start.is_null() {
        handle_alloc_error(layout::<T>());
    }
    let shift = 64 - (start as usize & 63);
    // SAFETY: shift is within 16 to 64, since allocations are aligned to 16; SPARE covers it, and the word before the
    // page lies inside of the allocation.
    unsafe {
        let page = start.add(shift);
        page.cast::<usize>().sub(1).write(shift);
        page.cast::<T>()
    }
}

/// # Safety
/// `page` is null or came from [`reserve`] of the same `T` and is released once.
unsafe fn release<T>(page: *mut T) {
    if page.is_null() {
        return;
    }
    let page = page.cast::<u8>();
    // SAFETY: the word before the page is how far it lies behind the allocation's start.
    unsafe {
        let shift = page.cast::<usize>().sub(1).read();
        dealloc(page.sub(shift), layout::<T>());
    }
}
