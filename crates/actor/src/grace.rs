//! How a core learns that no outside thread is still about to send by a routing word that it has replaced.
//!
//! A thread reads the routing word and then puts its message into the queue of the core that this names. In between the
//! word may change. Whoever has changed it waits until all threads that may have read the old one are through.
//!
//! # Protocol
//! A thread counts itself in on one of two sides, reads, puts, counts itself out. Who waits sees the idle side empty,
//! points newcomers to it, and sees the other side empty. Both counts were then seen as zero after the word was
//! changed; who counts itself in after such a look reads the new word, because there is a full fence between the change
//! and the look, and between the counting and the reading. Changing sides is what lets the wait end while others keep
//! coming. One core waits at a time.

use crate::sync::{AtomicBool, AtomicUsize, Ordering, fence};

/// A count on lines of its own: outside threads change it with each message.
#[repr(align(128))]
struct Count(AtomicUsize);

/// One per system.
pub(crate) struct Grace {
    inside: [Count; 2],
    side: AtomicUsize,
    taken: AtomicBool,
}

/// A thread that reads and puts. Counted out when it is dropped.
pub(crate) struct Inside<'a>(&'a Count);

/// Where a wait has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The idle side may still have some who came before it was idle.
    Idle,
    /// Newcomers are on the other side.
    Turned,
}

impl Grace {
    pub(crate) fn new() -> Self {
        let count = || Count(AtomicUsize::new(0));
        Self { inside: [count(), count()], side: AtomicUsize::new(0), taken: AtomicBool::new(false) }
    }

    /// Before reading a routing word that says where to put something.
    pub(crate) fn enter(&self) -> Inside<'_> {
        let count = &self.inside[self.side.load(Ordering::Relaxed) & 1];
        count.0.fetch_add(1, Ordering::AcqRel);
        // Between counting in and reading the word: pairs with the fence of `begin`.
        fence(Ordering::SeqCst);
        Inside(count)
    }

    /// Begins to wait, after a routing word was changed. None while another core waits.
    pub(crate) fn begin(&self) -> Option<Wait> {
        let is_free = self.taken.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        // Between the change and the looks: pairs with the fence of `enter`.
        fence(Ordering::SeqCst);
        is_free.then_some(Wait::Idle)
    }

    /// One look; whether the wait is over, which lets others begin.
    pub(crate) fn is_over(&self, wait: &mut Wait) -> bool {
        let side = self.side.load(Ordering::Relaxed) & 1;
        if *wait == Wait::Idle {
            if self.inside[side ^ 1].0.load(Ordering::Acquire) != 0 {
                return false;
            }
            self.side.store(side ^ 1, Ordering::Relaxed);
            *wait = Wait::Turned;
            return false;
        }
        if self.inside[side ^ 1].0.load(Ordering::Acquire) != 0 {
            return false;
        }
        self.taken.store(false, Ordering::Release);
        true
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(all(test, loom))]
mod models;
