//! Who sleeps and who wakes: the few lines on which it depends that no frame is ever left lying.
//!
//! # States of one waiting side
//! ```text
//!           lie_down: flag set, fence, position looked at again
//! awake ───────────────────────────────────────────────────────► asleep   (nothing new)
//!   ▲  └──────────► awake (something new: flag taken back)           │
//!   └──────────────────────────────────────────────────────────────┘  woken: the mover has taken the flag; or get_up
//! ```
//! The side that moves a position stores it, then a fence, then looks at the other's flag. Of two sides that each write
//! first and read then, with a fence between, at least one sees what the other wrote: either the sleeper sees the new
//! position or the mover sees the flag.
//!
//! The mover takes the flag back and wakes. It may be late and take the flag of a later sleep than the one it saw: so a
//! sleep ends by what stays, the flag that is no longer set (a futex waits on the flag, not on the position) or the line
//! break that lies in the pipe. Then the later sleep ends too early, which costs one look, instead of never.
//!
//! The words are generic so that the same lines run under a model checker, in the tests beside this file.

use std::sync::atomic::{AtomicU32, Ordering, fence};

#[cfg(test)]
mod tests;

/// Nobody sleeps.
pub(crate) const AWAKE: u32 = 0;

/// Asleep on the flag itself, as a futex.
pub(crate) const ON_FUTEX: u32 = 1;

/// Asleep on its pipe.
pub(crate) const ON_PIPE: u32 = 2;

/// A word that two sides see. One implementation is the machine's, the other the model checker's.
pub(crate) trait Word {
    fn load(&self, ordering: Ordering) -> u32;
    fn store(&self, value: u32, ordering: Ordering);
    fn swap(&self, value: u32, ordering: Ordering) -> u32;
    /// Everything before it comes before everything after it, for everybody.
    fn full_fence();
}

impl Word for AtomicU32 {
    #[inline]
    fn load(&self, ordering: Ordering) -> u32 {
        Self::load(self, ordering)
    }

    #[inline]
    fn store(&self, value: u32, ordering: Ordering) {
        Self::store(self, value, ordering);
    }

    #[inline]
    fn swap(&self, value: u32, ordering: Ordering) -> u32 {
        Self::swap(self, value, ordering)
    }

    #[inline]
    fn full_fence() {
        fence(Ordering::SeqCst);
    }
}

/// Whom a move of a position has to wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sleeper {
    Nobody,
    OnFutex,
    OnPipe,
}

/// Moves our position and gives whom to wake for it. Each flag is taken once.
#[inline]
pub(crate) fn announce<W: Word>(position: &W, sleeps: &W, value: u32) -> Sleeper {
    position.store(value, Ordering::Release);
    W::full_fence();
    if sleeps.load(Ordering::Relaxed) == AWAKE {
        return Sleeper::Nobody;
    }
    match sleeps.swap(AWAKE, Ordering::AcqRel) {
        ON_FUTEX => Sleeper::OnFutex,
        ON_PIPE => Sleeper::OnPipe,
        // Up already, or a word that no peer of ours writes: then it has only itself to wait for.
        _ => Sleeper::Nobody,
    }
}

/// Says that we sleep until the other's position is no longer `seen`; whether we may. If not, we are awake again.
#[inline]
pub(crate) fn lie_down<W: Word>(position: &W, sleeps: &W, seen: u32, how: u32) -> bool {
    sleeps.swap(how, Ordering::AcqRel);
    W::full_fence();
    if position.load(Ordering::Relaxed) == seen {
        return true;
    }
    get_up(sleeps);
    false
}

/// Awake again, by whatever: nobody need wake us any more.
#[inline]
pub(crate) fn get_up<W: Word>(sleeps: &W) {
    sleeps.swap(AWAKE, Ordering::AcqRel);
}
