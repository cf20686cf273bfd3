//! What the cache counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start, and what is kept now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FunctionStats {
    /// Names.
    pub functions: usize,
    /// Functions ready in memory.
    pub warm: usize,
    /// What they weigh.
    pub warm_bytes: u64,
    /// Compiled forms on disk.
    pub on_disk: usize,
    /// Their bytes.
    pub disk_bytes: u64,
    /// Calls that gave a result.
    pub runs: u64,
    /// Calls that did not.
    pub runs_failed: u64,
    /// Compilations that were started.
    pub compiled: u64,
    /// Compiled forms that came from disk.
    pub from_disk: u64,
    /// Who waited for somebody else's compilation.
    pub waited: u64,
    /// Dropped from memory to make room.
    pub evicted_by_weight: u64,
    /// Dropped from memory because nobody used them.
    pub evicted_by_age: u64,
}

/// What one tidying did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tidied {
    /// Dropped from memory because nobody used them.
    pub by_age: usize,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    runs: AtomicU64,
    runs_failed: AtomicU64,
    compiled: AtomicU64,
    from_disk: AtomicU64,
    waited: AtomicU64,
    evicted_by_weight: AtomicU64,
    evicted_by_age: AtomicU64,
}

impl Counters {
    pub(super) fn ran(&self, is_done: bool) {
        add(if is_done { &self.runs } else { &self.runs_failed }, 1);
    }

    pub(super) fn compiled(&self) {
        add(&self.compiled, 1);
    }

    pub(super) fn count_from_disk(&self) {
        add(&self.from_disk, 1);
    }

    pub(super) fn waited(&self) {
        add(&self.waited, 1);
    }

    pub(super) fn evicted_by_weight(&self, count: usize) {
        add(&self.evicted_by_weight, count as u64);
    }

    pub(super) fn evicted_by_age(&self, count: usize) {
        add(&self.evicted_by_age, count as u64);
    }

    pub(super) fn read(&self, functions: usize, warm: (usize, u64), disk: (usize, u64)) -> FunctionStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FunctionStats {
            functions,
            warm: warm.0,
            warm_bytes: warm.1,
            on_disk: disk.0,
            disk_bytes: disk.1,
            runs: read(&self.runs),
            runs_failed: read(&self.runs_failed),
            compiled: read(&self.compiled),
            from_disk: read(&self.from_disk),
            waited: read(&self.waited),
            evicted_by_weight: read(&self.evicted_by_weight),
            evicted_by_age: read(&self.evicted_by_age),
        }
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}
