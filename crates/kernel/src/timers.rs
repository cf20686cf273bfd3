//! What has to happen at a moment, in order of time. Entries of lives that are over may stay: who handles one checks
//! whether it still applies.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use abi::{Generation, Slot, Time};

use crate::saved::{Keep, Saved, Unreadable};
use crate::swap::SwapStep;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A module should be ready by now.
    Ready(Slot, Generation),
    /// A module should have all it requires by now.
    Requires(Slot, Generation),
    /// It is time to ask whether a module is alive.
    Ping(Slot, Generation),
    /// The ping with this number should be answered by now.
    Pong(Slot, Generation, u64),
    /// A module that was told to end should be gone by now.
    Grace(Slot, Generation),
    /// A module that was killed should be reaped by now.
    Reap(Slot, Generation),
    /// A swap's present step should be done by now.
    Swap(Slot, Generation, SwapStep),
    /// A life that made room for another should have answered everything by now.
    Drain(Slot, Generation),
    /// Whoever waits for a module that is held has waited long enough.
    Held(Slot),
    /// A life should have given its state, or taken over an earlier one's, by now.
    State(Slot, Generation),
    /// All modules should have given their states for a cut by now.
    Cut,
    /// What a module was refused in the last minute is to be summed up.
    Refusals(Slot),
    /// A module's wait before its restart is over.
    Restart(Slot),
    /// A sandbox module may have been well for long enough.
    Probation(Slot),
    /// The next context variable ends.
    Context,
    /// The machine may begin another restart.
    Pace,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Timers(BTreeSet<(Time, Timer)>);

impl Timers {
    pub(crate) fn set(&mut self, at: Time, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(crate) fn clear(&mut self, at: Time, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes all that is due. What is set while these are worked off waits for the next time, so that working them
    /// off has an end whatever the intervals are.
    pub(crate) fn take_due(&mut self, now: Time) -> Vec<(Time, Timer)> {
        let mut due = Vec::new();
        while self.next().is_some_and(|at| at <= now) {
            due.extend(self.0.pop_first());
        }
        due
    }
}

crate::saved::keep_variants!(Timer {
    Ready { 0: slot, 1: generation },
    Requires { 0: slot, 1: generation },
    Ping { 0: slot, 1: generation },
    Pong { 0: slot, 1: generation, 2: number },
    Grace { 0: slot, 1: generation },
    Reap { 0: slot, 1: generation },
    Swap { 0: slot, 1: generation, 2: step },
    Drain { 0: slot, 1: generation },
    Held { 0: slot },
    State { 0: slot, 1: generation },
    Cut {},
    Refusals { 0: slot },
    Restart { 0: slot },
    Probation { 0: slot },
    Context {},
    Pace {},
});

impl Keep for Timers {
    fn save(&self) -> Saved {
        self.0.save()
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        Keep::restore(saved).map(Self)
    }
}

#[cfg(test)]
mod tests;
