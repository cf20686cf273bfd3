//! How a run learns that it is over, and how a flood stays within bounds.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Rings when the last of so many things has happened.
#[derive(Debug, Default)]
pub struct Finish {
    left: AtomicU64,
    bell: Notify,
}

impl Finish {
    /// One that waits for nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { left: AtomicU64::new(0), bell: Notify::const_new() }
    }

    /// Waits for so many from here on.
    pub fn arm(&self, count: u64) {
        self.left.store(count, Ordering::SeqCst);
    }

    /// One of them has happened.
    pub fn one(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.bell.notify_one();
        }
    }

    /// Waits for the last; rung before is rung.
    pub async fn wait(&self) {
        self.bell.notified().await;
    }

    /// Whether all have happened.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }
}

/// Keeps a flood over an unbounded queue within a bound: a full cache is nobody's fault but the bench's.
#[derive(Debug, Default)]
pub struct Window {
    received: AtomicU64,
}

impl Window {
    /// 16,000 messages between sender and receiver: 16 batches, some hundred KiB.
    const WIDTH: u64 = 16_000;

    /// The receiver says so once in so many messages.
    const STRIDE: u64 = 256;

    /// One of which nothing has been received.
    #[must_use]
    pub const fn new() -> Self {
        Self { received: AtomicU64::new(0) }
    }

    /// Begins again.
    pub fn reset(&self) {
        self.received.store(0, Ordering::SeqCst);
    }

    /// Tells how many have been received.
    pub fn publish(&self, received: u64) {
        if received.is_multiple_of(Self::STRIDE) {
            self.received.store(received, Ordering::Relaxed);
        }
    }

    /// Whether another batch may follow so many messages.
    #[must_use]
    pub fn is_open(&self, sent: u64) -> bool {
        sent < self.received.load(Ordering::Relaxed) + Self::WIDTH
    }
}
