//! The two ways to wait: with a futex on a thread of one's own, or on a pipe that is waited for anyway.

use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use rustix::thread::futex::{self, Flags, Timespec};

use crate::signal::{ON_FUTEX, get_up, lie_down};

/// Whether one may go to sleep on one's pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doze {
    /// There is something to do already.
    Ready,
    /// There is nothing: wait until the pipe can be read. The peer writes a blank line when there is something.
    Asleep,
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// What was waited for is there.
    ForSomething,
    /// The time is over, or there was nothing: look whether the peer still lives.
    InVain,
}

/// Sleeps until the position is no longer `seen`, at most for `wait`; gives how long that took. A sleep that ends early,
/// because the mover took the flag for an earlier one, goes on.
pub(crate) fn sleep_on(position: &AtomicU32, sleeps: &AtomicU32, seen: u32, wait: Duration) -> Duration {
    let begin = Instant::now();
    loop {
        let left = wait.saturating_sub(begin.elapsed());
        if left.is_zero() || !lie_down(position, sleeps, seen, ON_FUTEX) {
            return begin.elapsed();
        }
        // Any error is a reason to look again, and so is every end of the sleep.
        let left = Timespec::try_from(left).ok();
        let _ = futex::wait(sleeps, Flags::empty(), ON_FUTEX, left.as_ref());
        get_up(sleeps);
    }
}
