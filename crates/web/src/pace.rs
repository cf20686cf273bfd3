//! How fast one token or session may ask: a bucket that fills evenly. What is refused by it costs the kernel nothing, so
//! one program that asks in a loop can't take the door from all others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

#[cfg(test)]
mod tests;

/// 1,000 requests a second for each token and each session: a page with everything open asks ten, a fifth of what the
/// kernel's thread can answer is left to one program.
const PER_S: u64 = 1000;

/// 2,000 at once: two seconds of it, for a program that begins by asking about everything.
const BURST: u64 = 2000;

/// 1,024 askers are counted: more than there may be tokens and sessions, so none of theirs gives way early.
const ASKERS_MAX: usize = 1024;

/// Requests in thousandths, as a bucket fills by one thousandth of [`PER_S`] each millisecond.
const MILLI: u64 = 1000;

/// One asker's bucket.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// What is left, in thousandths of a request.
    milli: u64,
    at_ms: u64,
}

/// All buckets, by who asks.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paced {
    Within,
    TooFast,
}

impl Pace {
    /// Takes one request out of this asker's bucket.
    pub(crate) fn take(&self, asker: &str, now_ms: u64) -> Paced {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ASKERS_MAX && !buckets.contains_key(asker) {
            // Those that are full again have nothing to remember; among busy ones the longest silent gives way.
            buckets.retain(|_, bucket| bucket.filled(now_ms) < BURST * MILLI);
            let oldest = buckets.iter().min_by_key(|(_, bucket)| bucket.at_ms).map(|(key, _)| key.clone());
            if let (true, Some(oldest)) = (buckets.len() >= ASKERS_MAX, oldest) {
                buckets.remove(&oldest);
            }
        }
        let full = Bucket { milli: BURST * MILLI, at_ms: now_ms };
        let bucket = buckets.entry(asker.to_owned()).or_insert(full);
        *bucket = Bucket { milli: bucket.filled(now_ms), at_ms: now_ms.max(bucket.at_ms) };
        match bucket.milli.checked_sub(MILLI) {
            Some(rest) => {
                bucket.milli = rest;
                Paced::Within
            }
            None => Paced::TooFast,
        }
    }
}

impl Bucket {
    /// What is in it now.
    fn filled(self, now_ms: u64) -> u64 {
        let since = now_ms.saturating_sub(self.at_ms);
        self.milli.saturating_add(since.saturating_mul(PER_S)).min(BURST * MILLI)
    }
}
