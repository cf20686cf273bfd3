//! What the actor core needs from the machine below it: a clock, sleeping cores, and pages. Nothing else.
//!
//! A bare machine implements this trait and has the whole port; [`hosted`] implements it on an operating system.

use core::num::NonZero;
use core::ptr::NonNull;

#[cfg(feature = "std")]
mod clock;
#[cfg(feature = "std")]
pub mod hosted;

/// The most cores of one system: the owner's part of the routing word has eight bits.
pub const CORES_MAX: usize = 256;

/// Which core, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Core(pub u8);

impl Core {
    /// As an index into a table with a row per core.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The machine below.
///
/// # Safety
/// [`Platform::alloc_pages`] gives memory that is readable, writable, zeroed, [`Platform::PAGE_ALIGN`]-aligned, at least
/// as long as asked and nobody else's until it is freed: tables are built in it without further checks.
pub unsafe trait Platform: Send + Sync {
    /// The alignment of pages in bytes, a power of two and at least 4096.
    const PAGE_ALIGN: usize;

    /// The time in nanoseconds since some moment before the first call; never goes back on any core.
    fn now(&self) -> u64;

    /// Lets `core`, which is the caller's, sleep until [`Platform::unpark`] of it or until the moment `until`
    /// (nanoseconds as of `now`), whichever is first. An unpark that came before counts. May return early.
    fn park(&self, core: Core, until: Option<u64>);

    /// Ends the present or the next [`Platform::park`] of `core`.
    fn unpark(&self, core: Core);

    /// How many cores there are, at least 1 and at most [`CORES_MAX`].
    fn cores(&self) -> usize;

    /// Zeroed memory for tables; none when the machine has no more.
    fn alloc_pages(&self, bytes: NonZero<usize>) -> Option<NonNull<u8>>;

    /// Gives memory back.
    ///
    /// # Safety
    /// `pages` came from `alloc_pages` of this platform with the same `bytes`, is freed once, and nothing points into it.
    unsafe fn free_pages(&self, pages: NonNull<u8>, bytes: NonZero<usize>);
}
