//! A token bucket: so much per second, a burst at the most, and debts for what was taken before it was counted.

use core::time::Duration;

use abi::Time;

/// 1,000,000,000 a second: beyond what any processor here carries, so that no product below overflows.
const PER_S_MAX: u64 = 1_000_000_000;

/// A bucket of whole tokens, kept in thousandths. Time is an argument and never goes back.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    per_s: u64,
    burst_milli: i64,
    level_milli: i64,
    at: Time,
}

impl TokenBucket {
    /// A full bucket that gains `per_s` tokens a second (at least 1) and holds those of `burst`, at least one token.
    pub fn new(now: Time, per_s: u64, burst: Duration) -> Self {
        let per_s = per_s.clamp(1, PER_S_MAX);
        let burst_ms = u64::try_from(burst.as_millis()).unwrap_or(u64::MAX).min(1000);
        let burst_milli = i64::try_from(per_s * burst_ms).unwrap_or(i64::MAX).max(1000);
        Self { per_s, burst_milli, level_milli: burst_milli, at: now }
    }

    /// Takes tokens, whether there are any or not: what has come has come.
    pub fn spend(&mut self, now: Time, tokens: u64) {
        self.refill(now);
        let milli = i64::try_from(tokens.saturating_mul(1000)).unwrap_or(i64::MAX);
        self.level_milli = self.level_milli.saturating_sub(milli);
    }

    /// Takes one token if there is one.
    pub fn take(&mut self, now: Time) -> bool {
        self.refill(now);
        let has = self.level_milli >= 1000;
        if has {
            self.level_milli -= 1000;
        }
        has
    }

    /// How long to wait until the debt is paid; nothing when there is none.
    pub fn wait(&mut self, now: Time) -> Option<Duration> {
        self.refill(now);
        let debt = u64::try_from(self.level_milli.checked_neg()?).ok().filter(|debt| *debt > 0)?;
        Some(Duration::from_millis(debt.div_ceil(self.per_s)))
    }

    fn refill(&mut self, now: Time) {
        let passed_ms = i64::try_from(now.0.saturating_sub(self.at.0)).unwrap_or(i64::MAX);
        // Tokens per second are thousandths of a token per millisecond.
        let per_ms_milli = i64::try_from(self.per_s).unwrap_or(i64::MAX);
        let gained = passed_ms.saturating_mul(per_ms_milli);
        self.level_milli = self.level_milli.saturating_add(gained).min(self.burst_milli);
        self.at = self.at.max(now);
    }
}

crate::saved::keep_fields!(TokenBucket { per_s, burst_milli, level_milli, at });

#[cfg(test)]
mod tests;
