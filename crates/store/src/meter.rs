//! How far long work has come: two numbers that another thread may look at meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is done, and of how much, in whatever the work counts: bytes, or chunks.
///
/// Both only grow, and what is expected grows as it becomes known.
#[derive(Debug, Default)]
pub struct Meter {
    done: AtomicU64,
    expected: AtomicU64,
}

impl Meter {
    /// So much more will have to be done.
    pub fn expect(&self, more: u64) {
        self.expected.fetch_add(more, Ordering::Relaxed);
    }

    /// So much more is done.
    pub fn add(&self, more: u64) {
        self.done.fetch_add(more, Ordering::Relaxed);
    }

    /// What is done, from 0 to 1; nothing while nobody knows how much there is.
    pub fn share(&self) -> Option<f64> {
        let expected = self.expected.load(Ordering::Relaxed);
        let done = self.done.load(Ordering::Relaxed).min(expected);
        (expected > 0).then(|| done as f64 / expected as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::Meter;

    #[test]
    fn a_share_is_known_with_the_whole_and_never_more_than_it() {
        let meter = Meter::default();
        assert_eq!(meter.share(), None);
        meter.expect(8);
        meter.add(2);
        assert_eq!(meter.share(), Some(0.25));
        // A file may grow while it is read.
        meter.add(100);
        assert_eq!(meter.share(), Some(1.0));
    }
}
