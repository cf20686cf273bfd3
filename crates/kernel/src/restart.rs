//! When a module that ended by itself is started again: the policy alone, without a module in sight.
//!
//! A module that was well for a minute is started again at once and starts counting anew. Any other is counted and
//! waits `base · 2^(count-1)`, at most `max`, give or take a fifth, so that many that failed together do not return
//! together. After its last allowed restart it is given up. Each zone has a budget too: past it, restarts wait their
//! turn, and none is given up for that.

use core::time::Duration;

use abi::Time;

use crate::random::Random;

/// 60 s in `ready`: from then on a module counts as well, as the module door says.
pub(crate) const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// 20 %: how far a wait strays from the plain back-off, in either direction.
const JITTER_PERCENT: u64 = 20;

/// The bounds of one module's restarts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) base: Duration,
    pub(crate) max: Duration,
    pub(crate) restarts_max: u32,
}

/// What follows an unexpected end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Start at once; the count begins anew.
    Now,
    /// Start after this wait; the count is now this.
    After(Duration, u32),
    /// No more; it was started again this often.
    GiveUp(u32),
}

impl Policy {
    /// Decides for a module that was restarted `count` times since it was last well and was `ready` for `healthy`.
    pub(crate) fn decide(self, count: u32, healthy: Duration, random: &mut Random) -> Verdict {
        if healthy >= HEALTHY_AFTER && self.restarts_max > 0 {
            return Verdict::Now;
        }
        let count = if healthy >= HEALTHY_AFTER { 0 } else { count };
        if count >= self.restarts_max {
            return Verdict::GiveUp(count);
        }
        Verdict::After(self.jittered(count, random), count + 1)
    }

    fn jittered(self, earlier: u32, random: &mut Random) -> Duration {
        let factor = 1_u32.checked_shl(earlier).unwrap_or(u32::MAX);
        let plain = self.base.saturating_mul(factor).min(self.max);
        let plain_ms = u64::try_from(plain.as_millis()).unwrap_or(u64::MAX);
        let reach = plain_ms / 100 * JITTER_PERCENT + plain_ms % 100 * JITTER_PERCENT / 100;
        let stray = random.next() % (2 * reach + 1);
        Duration::from_millis(plain_ms - reach + stray)
    }
}

/// A budget, such as that of a zone's restarts: a token bucket in thousandths of a restart.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    level_milli: u64,
    at: Time,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(burst: u32) -> Self {
        Self { level_milli: u64::from(burst) * 1000, at: Time(0) }
    }

    /// Takes one restart, or says when there will be one.
    pub(crate) fn take(&mut self, now: Time, burst: u32, per_s: u32) -> Result<(), Time> {
        // A machine that may restart nothing would be given up by its budget, so one a second is the least.
        let (burst, per_s) = (u64::from(burst.max(1)), u64::from(per_s.max(1)));
        let passed_ms = now.0.saturating_sub(self.at.0);
        self.level_milli = self.level_milli.saturating_add(passed_ms.saturating_mul(per_s)).min(burst * 1000);
        self.at = self.at.max(now);
        if self.level_milli >= 1000 {
            self.level_milli -= 1000;
            return Ok(());
        }
        let wait_ms = (1000 - self.level_milli).div_ceil(per_s);
        Err(now + Duration::from_millis(wait_ms))
    }
}

crate::saved::keep_fields!(Bucket { level_milli, at });

#[cfg(test)]
mod tests;
