//! Where panics end: around a turn, and around each single thing that is run for an actor outside of it.

use crate::shard::fate::Outcome;

/// Runs something and says whether it returned or panicked. Without `std` there is no unwinding to catch: a bare
/// machine's panic handler decides.
#[cfg(feature = "std")]
pub(crate) fn contain(run: impl FnOnce()) -> Outcome {
    // What the closure leaves half done is the culprit's own state, which is dropped or made anew; the shard's own
    // bookkeeping is complete before each call of a handler.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(()) => Outcome::Returned,
        Err(payload) => {
            // What was thrown may panic when it is dropped; what that throws is left alone.
            let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(payload)));
            core::mem::forget(dropped);
            Outcome::Panicked
        }
    }
}

#[cfg(not(feature = "std"))]
pub(crate) fn contain(run: impl FnOnce()) -> Outcome {
    run();
    Outcome::Returned
}
