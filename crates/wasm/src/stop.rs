//! What ends a guest from another thread, or gives it less of a processor than there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::engine::TICK;

#[cfg(test)]
mod tests;

/// 10 ticks between two looks at whether a guest that computes was stopped: 10 ms of delay for 1 % of nothing.
pub(crate) const STOP_CHECK_TICKS: u64 = 10;

/// The same as a time.
pub(crate) const LOOK_EVERY: Duration = Duration::from_nanos(TICK.subsec_nanos() as u64 * STOP_CHECK_TICKS);

/// Ends a running command or instance from another thread. Clones end the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    shared: Arc<Stopping>,
}

#[derive(Debug)]
struct Stopping {
    wanted: AtomicBool,
    changed: Notify,
    /// How much of a processor it gets, in thousandths; all from [`PACE_FREE`] on.
    pace_permille: AtomicU32,
    /// Microseconds in which it worked, and in which it stood still for its pace.
    worked_us: AtomicU64,
    stood_us: AtomicU64,
}

impl Default for Stopping {
    fn default() -> Self {
        let pace_permille = AtomicU32::new(PACE_FREE);
        let [worked_us, stood_us] = [(); 2].map(|()| AtomicU64::new(0));
        Self {
            wanted: AtomicBool::new(false),
            changed: Notify::default(),
            pace_permille,
            worked_us,
            stood_us,
        }
    }
}

/// 1,000 thousandths of a processor: as fast as it goes.
const PACE_FREE: u32 = 1000;

/// 20 ms between two looks of one that stands still whether it may go on or is to end.
const STILL_LOOK_EVERY: Duration = Duration::from_millis(20);

/// An entry that is under way: see [`Stop::enter`].
#[derive(Debug, Clone, Copy)]
#[must_use = "the entry's work is counted when it is given back"]
pub struct Meter {
    begun: Instant,
    accounted_us: u64,
}

impl Stop {
    /// Gives it so many thousandths of a processor from now on: 1,000 is all of one, and at 0 it stands still until it is
    /// told otherwise or to end. Kept by standing still on its own thread, after each entry and every few milliseconds within
    /// one, so whoever shares that thread stands still with it.
    pub fn pace(&self, permille: u32) {
        self.shared.pace_permille.store(permille.min(PACE_FREE), Ordering::Release);
    }

    /// How long it has worked in all, on whichever thread. What it stood still for its pace is no work.
    pub fn worked(&self) -> Duration {
        Duration::from_micros(self.shared.worked_us.load(Ordering::Relaxed))
    }

    /// An entry begins.
    pub fn enter(&self) -> Meter {
        Meter { begun: Instant::now(), accounted_us: self.accounted_us() }
    }

    /// It is over: the rest of its work is counted, and rested for.
    pub fn leave(&self, meter: Meter) {
        let looked = self.accounted_us().saturating_sub(meter.accounted_us);
        let work = meter.begun.elapsed().saturating_sub(Duration::from_micros(looked));
        self.count_and_rest(work);
    }

    /// Goes on where the one before it was, of the guest that it takes the place of.
    pub fn succeed(&self, before: &Self) {
        self.pace(before.shared.pace_permille.load(Ordering::Acquire));
        self.shared.worked_us.store(before.shared.worked_us.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// In the middle of an entry that has worked for [`LOOK_EVERY`] since it began or was looked at.
    pub(crate) fn look(&self) {
        self.count_and_rest(LOOK_EVERY);
    }

    fn accounted_us(&self) -> u64 {
        let [worked, stood] = [&self.shared.worked_us, &self.shared.stood_us];
        worked.load(Ordering::Relaxed).saturating_add(stood.load(Ordering::Relaxed))
    }

    fn count_and_rest(&self, work: Duration) {
        let add = |counter: &AtomicU64, time: Duration| {
            counter.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        add(&self.shared.worked_us, work);
        if self.shared.pace_permille.load(Ordering::Acquire) < PACE_FREE {
            let begun = Instant::now();
            self.rest(work);
            add(&self.shared.stood_us, begun.elapsed());
        }
    }

    /// Stands still for as long as follows from having worked for so long.
    fn rest(&self, worked: Duration) {
        let begun = Instant::now();
        while !self.is_wanted() {
            let pace = self.shared.pace_permille.load(Ordering::Acquire);
            let left = match pace {
                PACE_FREE.. => Duration::ZERO,
                0 => STILL_LOOK_EVERY,
                1..PACE_FREE => (worked * (PACE_FREE - pace) / pace).saturating_sub(begun.elapsed()),
            };
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(STILL_LOOK_EVERY));
        }
    }

    /// Ends it now: in a wait at once, in its own code within some milliseconds. To let it end by itself, close its
    /// standard input first.
    pub fn stop(&self) {
        self.shared.wanted.store(true, Ordering::Release);
        self.shared.changed.notify_one();
    }

    /// Whether an end was asked for.
    pub fn is_wanted(&self) -> bool {
        self.shared.wanted.load(Ordering::Acquire)
    }

    /// Comes to its end when an end is asked for.
    pub(crate) async fn until_wanted(&self) {
        while !self.is_wanted() {
            self.shared.changed.notified().await;
        }
    }
}
