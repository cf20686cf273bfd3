//! The platform on an operating system: cores are threads, sleeping is a condition variable, pages are the allocator's.
//!
//! Threads are the caller's to start and to pin; this only says how one of them sleeps.

use alloc::alloc::{alloc_zeroed, dealloc};
use alloc::boxed::Box;
use core::alloc::Layout;
use core::num::NonZero;
use core::ptr::NonNull;
use core::time::Duration;
use std::sync::{Condvar, Mutex, PoisonError};

use super::clock::Clock;
use super::{CORES_MAX, Core, Platform};

/// Where one core sleeps. The token stays when nobody sleeps, so an unpark is never lost.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Bed {
    token: Mutex<bool>,
    woken: Condvar,
}

/// A machine with an operating system.
#[derive(Debug)]
pub struct Hosted {
    clock: Clock,
    beds: Box<[Bed]>,
}

impl Hosted {
    /// With so many cores, kept within 1 and [`CORES_MAX`]. Calibrating the clock takes about two milliseconds, once in
    /// a process.
    pub fn new(cores: usize) -> Self {
        let cores = cores.clamp(1, CORES_MAX);
        Self { clock: Clock::new(), beds: (0..cores).map(|_| Bed::default()).collect() }
    }

    /// With as many cores as this process may use.
    pub fn with_all_cores() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, NonZero::get))
    }
}

/// The layout of a request; none when it is too long to exist.
fn layout(bytes: NonZero<usize>) -> Option<Layout> {
    Layout::from_size_align(bytes.get(), Hosted::PAGE_ALIGN).ok()
}

/// Linux's advice to make a huge page of what is in use already, since 6.1; not every C library names it.
const COLLAPSE: libc::c_int = 25;

/// Asks the system to back the whole huge pages of a range with huge pages, those in use already as well. A wish:
/// refused, everything works the same, only slower.
///
/// # Safety
/// The range lies within one allocation of the caller's.
pub(crate) unsafe fn prefer_huge(start: *mut u8, bytes: usize) {
    let skipped_bytes = start.align_offset(Hosted::PAGE_ALIGN);
    let whole_bytes = bytes.saturating_sub(skipped_bytes) / Hosted::PAGE_ALIGN * Hosted::PAGE_ALIGN;
    if whole_bytes == 0 {
        return;
    }
    // SAFETY: the range lies within an allocation, by the caller's word and because it was only made shorter; the
    // advice changes neither what is in it nor what may be done with it.
    unsafe {
        let start = start.add(skipped_bytes).cast();
        libc::madvise(start, whole_bytes, libc::MADV_HUGEPAGE);
        // Only the first page of a table can be in use by then; collapsing the others would bring them to life.
        libc::madvise(start, Hosted::PAGE_ALIGN, COLLAPSE);
    }
}

// SAFETY: `alloc_zeroed` gives zeroed memory of the layout asked for, which is aligned to PAGE_ALIGN and at least as
// long as the request, and the allocator gives it to nobody else before `dealloc`.
unsafe impl Platform for Hosted {
    /// A huge page of x86-64: the kernel can back the tables with huge pages, which a random read of a big table feels.
    const PAGE_ALIGN: usize = 2 << 20;

    #[inline]
    fn now(&self) -> u64 {
        self.clock.now()
    }

    fn park(&self, core: Core, until: Option<u64>) {
        let Some(bed) = self.beds.get(core.index()) else { return };
        // The token is one flag: a panic elsewhere can't have left it half written.
        let token = bed.token.lock().unwrap_or_else(PoisonError::into_inner);
        let mut token = match until {
            None => bed.woken.wait_while(token, |token| !*token).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let wait = Duration::from_nanos(until.saturating_sub(self.now()));
                let woken = bed.woken.wait_timeout_while(token, wait, |token| !*token);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        *token = false;
    }

    fn unpark(&self, core: Core) {
        let Some(bed) = self.beds.get(core.index()) else { return };
        *bed.token.lock().unwrap_or_else(PoisonError::into_inner) = true;
        // After the lock is free again: whom this wakes takes it at once.
        bed.woken.notify_one();
    }

    fn cores(&self) -> usize {
        self.beds.len()
    }

    fn alloc_pages(&self, bytes: NonZero<usize>) -> Option<NonNull<u8>> {
        let layout = layout(bytes)?;
        // SAFETY: the layout is not empty, because the request is not.
        let pages = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        // SAFETY: the allocation of this layout.
        unsafe { prefer_huge(pages.as_ptr(), layout.size()) };
        Some(pages)
    }

    unsafe fn free_pages(&self, pages: NonNull<u8>, bytes: NonZero<usize>) {
        // A request without a layout never got pages, so there is nothing to free.
        if let Some(layout) = layout(bytes) {
            // SAFETY: the caller says that these pages are from `alloc_pages` with these bytes, so of this layout.
            unsafe { dealloc(pages.as_ptr(), layout) };
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
