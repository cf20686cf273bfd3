//! A clock that costs half of the operating system's: the processor's counter, calibrated against it.
//!
//! Used only where the processor says that the counter runs at one rate in all states (invariant). The rate is measured
//! once in a process; its error (some ten parts per million) means that times are for deadlines and durations, not for
//! comparing with other clocks over days.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long the rate is measured: an error of 50 ns at each end is then 50 parts per million at worst.
const CALIBRATION: Duration = Duration::from_millis(2);

/// Of so many readings around one counter value the tightest pair counts: the others were interrupted.
const READINGS: usize = 16;

/// Nanoseconds per tick as a fixed-point number with this many bits behind the point.
const FRACTION_BITS: u32 = 32;

/// A monotonic clock in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
    counter: Option<Counter>,
}

/// The calibrated counter.
#[derive(Debug, Clone, Copy)]
struct Counter {
    start_ticks: u64,
    /// Nanoseconds per tick, fixed point.
    rate: u64,
}

impl Clock {
    /// Starts at zero, or shortly after: every clock of a process has the same start.
    pub(super) fn new() -> Self {
        static CALIBRATED: OnceLock<Clock> = OnceLock::new();
        *CALIBRATED.get_or_init(|| {
            let start = Instant::now();
            Self { start, counter: Counter::calibrate() }
        })
    }

    /// Nanoseconds since the start.
    #[inline]
    pub(super) fn now(&self) -> u64 {
        match &self.counter {
            Some(counter) => counter.elapsed_ns(ticks()),
            None => u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

impl Counter {
    /// None where there is no counter to trust.
    fn calibrate() -> Option<Self> {
        if !is_invariant() {
            return None;
        }
        let (begin, start_ticks) = reading();
        while begin.elapsed() < CALIBRATION {
            core::hint::spin_loop();
        }
        let (end, end_ticks) = reading();
        let elapsed_ns = end.duration_since(begin).as_nanos();
        let elapsed_ticks = u128::from(end_ticks.checked_sub(start_ticks)?);
        let rate = (elapsed_ns << FRACTION_BITS).checked_div(elapsed_ticks)?;
        Some(Self { start_ticks, rate: u64::try_from(rate).ok().filter(|rate| *rate > 0)? })
    }

    #[inline]
    fn elapsed_ns(&self, ticks: u64) -> u64 {
        // Counters of different cores may differ by a few ticks, hence no wrap below the start.
        let ticks = ticks.saturating_sub(self.start_ticks);
        let ns = (u128::from(ticks) * u128::from(self.rate)) >> FRACTION_BITS;
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

/// A moment and the counter's value at that moment, as near to each other as can be had.
fn reading() -> (Instant, u64) {
    let one = || {
        let before = ticks();
        let moment = Instant::now();
        let after = ticks();
        (after.saturating_sub(before), moment, before + after.saturating_sub(before) / 2)
    };
    let mut best = one();
    for _ in 1..READINGS {
        let next = one();
        if next.0 < best.0 {
            best = next;
        }
    }
    (best.1, best.2)
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction; where the system forbids it to programs the calibration's
    // caller would not have got here, because Linux allows it unless a process asked otherwise for itself.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline]
fn ticks() -> u64 {
    0
}

/// Whether the counter runs at one rate whatever the processor does.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn is_invariant() -> bool {
    /// The leaf of the power-management answers, and the bit in it that says so.
    const POWER_LEAF: u32 = 0x8000_0007;
    const INVARIANT_BIT: u32 = 1 << 8;
    let highest = core::arch::x86_64::__cpuid(0x8000_0000).eax;
    highest >= POWER_LEAF && core::arch::x86_64::__cpuid(POWER_LEAF).edx & INVARIANT_BIT != 0
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn is_invariant() -> bool {
    false
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
