//! How long to look at the ring before going to sleep: as long as looking has paid.
//!
//! A wake-up on another core costs tens of microseconds, a look that succeeds well below one. But a look that fails keeps
//! the peer from running if it shares our core, so each failure halves the next look, down to none. When many short
//! sleeps follow each other one long look is tried, since the peer may have a core of its own again.

use std::time::{Duration, Instant};

use crate::limits::{GLANCES, SHORT_SLEEP, SLEEPS_PER_TRY, SPIN_MAX, SPIN_MIN};

#[cfg(test)]
mod tests;

/// The memory of one waiting side.
#[derive(Debug)]
pub(crate) struct Spin {
    /// How long the next look may take; zero for no look.
    budget: Duration,
    short_sleeps: u32,
    /// The next look is a try: if it fails, the next ones are not worth it either.
    is_try: bool,
}

impl Spin {
    /// Begins with the longest look. Where the peer can't run meanwhile, five looks show it.
    pub(crate) fn new() -> Self {
        Self { budget: SPIN_MAX, short_sleeps: 0, is_try: false }
    }

    /// Looks until there is something or the time is over; whether there is something.
    #[inline]
    pub(crate) fn look(&mut self, is_there: impl Fn() -> bool) -> bool {
        if is_there() {
            return true;
        }
        if self.budget.is_zero() {
            return false;
        }
        let begin = Instant::now();
        loop {
            for _ in 0..GLANCES {
                if is_there() {
                    self.paid();
                    return true;
                }
                std::hint::spin_loop();
            }
            if begin.elapsed() >= self.budget {
                self.failed();
                return false;
            }
        }
    }

    fn paid(&mut self) {
        self.is_try = false;
        self.budget = (self.budget * 2).min(SPIN_MAX);
    }

    fn failed(&mut self) {
        self.budget /= 2;
        if self.is_try || self.budget < SPIN_MIN {
            self.is_try = false;
            self.budget = Duration::ZERO;
        }
    }

    /// After a sleep of this length.
    pub(crate) fn slept(&mut self, took: Duration) {
        if took > SHORT_SLEEP {
            self.short_sleeps = 0;
            return;
        }
        self.short_sleeps += 1;
        if self.short_sleeps >= SLEEPS_PER_TRY {
            self.short_sleeps = 0;
            self.is_try = self.budget.is_zero();
            self.budget = SPIN_MAX;
        }
    }
}
