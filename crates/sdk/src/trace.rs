//! W3C Trace Context: which span a call belongs to, handed on from hop to hop.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// Under which trace, and until when, something is done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    pub(crate) traceparent: Option<String>,
    pub(crate) deadline: Option<Instant>,
}

impl Context {
    /// What came with a call.
    pub(crate) fn received(deadline_ms: Option<u64>, traceparent: Option<String>) -> Self {
        let deadline = deadline_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        Self { traceparent, deadline }
    }

    /// How long there is left; never below zero.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The `deadline_ms` of a frame sent under this context; at least 1, because the asker has not given up yet.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        let left = self.remaining()?;
        Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1))
    }

    /// The `traceparent` of a frame sent under this context: the same trace, a span of its own.
    pub(crate) fn next_traceparent(&self) -> Option<String> {
        let mut parts: Vec<&str> = self.traceparent.as_deref()?.split('-').collect();
        let span = format!("{:016x}", random_nonzero());
        *parts.get_mut(2)? = &span;
        Some(parts.join("-"))
    }
}

/// A span id need not be secret, only unlikely to repeat; the hasher's keys come from the system's randomness.
fn random_nonzero() -> u64 {
    RandomState::new().build_hasher().finish().max(1)
}
