//! How many restarts are too many.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::RESTARTS_MAX;

/// How many restarts there may be in a while; one more is too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// So many, at most [`RESTARTS_MAX`].
    pub restarts: u32,
    /// Within so long.
    pub period: Duration,
}

impl Default for Budget {
    /// Three in five seconds.
    fn default() -> Self {
        Self { restarts: 3, period: Duration::from_secs(5) }
    }
}

/// When the last restarts were.
#[derive(Default)]
pub(super) struct Spent(VecDeque<u64>);

impl Spent {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Notes a restart: how many there were within the period, or nothing when that is too many.
    pub(super) fn charge(&mut self, budget: Budget, now: u64) -> Option<usize> {
        let period = u64::try_from(budget.period.as_nanos()).unwrap_or(u64::MAX);
        while self.0.front().is_some_and(|then| now.saturating_sub(*then) > period) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        (self.0.len() <= budget.restarts.min(RESTARTS_MAX) as usize).then_some(self.0.len())
    }
}
