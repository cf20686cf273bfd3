//! The books of a soak: what was made and dropped, which number each pair is at, and whether something was wrong.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use actor::Address;

use crate::worker::{WORKERS, Work};

/// 4 KiB: the page of the machines that this runs on.
const PAGE_BYTES: u64 = 4096;
/// Senders: the workers, and those outside.
const SENDERS: usize = WORKERS + 1;
/// An odd factor that spreads consecutive numbers over all bits.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Resident memory of this process in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|word| word.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}

/// One per soak.
pub(crate) struct Ledger {
    pub(crate) peers: OnceLock<Vec<Address<Work>>>,
    /// The next number of each pair, by sender and receiver. Only the sender counts.
    sent: Vec<AtomicU32>,
    /// The number that each receiver expects at least. Only the receiver counts.
    received: Vec<AtomicU32>,
    made: AtomicU64,
    dropped: AtomicU64,
    walking: AtomicU64,
    pub(crate) handled: AtomicU64,
    pub(crate) moved: AtomicU64,
    pub(crate) panicked: AtomicU64,
    pub(crate) answered: AtomicU64,
    draws: AtomicU64,
    over: AtomicBool,
    wrong: Mutex<Option<String>>,
}

/// Counts its own end.
pub(crate) struct Token {
    ledger: Arc<Ledger>,
    is_walker: bool,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.ledger.dropped.fetch_add(1, Ordering::Relaxed);
        if self.is_walker {
            self.ledger.walking.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let pairs = || (0..SENDERS * WORKERS).map(|_| AtomicU32::new(0)).collect();
        let zero = || AtomicU64::new(0);
        Self {
            peers: OnceLock::new(),
            sent: pairs(),
            received: pairs(),
            made: zero(),
            dropped: zero(),
            walking: zero(),
            handled: zero(),
            moved: zero(),
            panicked: zero(),
            answered: zero(),
            draws: zero(),
            over: AtomicBool::new(false),
            wrong: Mutex::new(None),
        }
    }

    pub(crate) fn token(self: &Arc<Self>) -> Token {
        self.made.fetch_add(1, Ordering::Relaxed);
        Token { ledger: self.clone(), is_walker: false }
    }

    /// A message from outside that goes so many steps.
    pub(crate) fn walker(self: &Arc<Self>, to: usize, steps: u32) -> Work {
        self.walking.fetch_add(1, Ordering::Relaxed);
        let mut token = self.token();
        token.is_walker = true;
        Work::walk(WORKERS as u32, self.next(WORKERS as u32, to as u32), steps, token)
    }

    pub(crate) fn walking(&self) -> u64 {
        self.walking.load(Ordering::Relaxed)
    }

    /// The next number of a pair.
    pub(crate) fn next(&self, from: u32, to: u32) -> u32 {
        self.sent[from as usize * WORKERS + to as usize].fetch_add(1, Ordering::Relaxed)
    }

    /// Notes that a message of a pair was received: numbers only grow. What a panic lost leaves a gap.
    pub(crate) fn take(&self, from: u32, to: u32, number: u32) {
        let expected =
            self.received[from as usize * WORKERS + to as usize].swap(number + 1, Ordering::Relaxed);
        if number < expected {
            self.complain(format!("of {from} to {to}: message {number} came after {}", expected - 1));
        }
        self.handled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn complain(&self, what: String) {
        if let Ok(mut wrong) = self.wrong.lock() {
            wrong.get_or_insert(what);
        }
    }

    /// A number that looks like drawn by lot.
    pub(crate) fn draw(&self) -> u64 {
        let number = self.draws.fetch_add(1, Ordering::Relaxed).wrapping_mul(SPREAD);
        (number ^ number >> 29).wrapping_mul(SPREAD) >> 16
    }

    /// From now on nobody passes anything on.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether everything held, after the last actor has gone.
    pub(crate) fn settle(&self) -> Result<(), String> {
        if let Ok(Some(wrong)) = self.wrong.lock().as_deref() {
            return Err(wrong.clone());
        }
        let (made, dropped) = (self.made.load(Ordering::SeqCst), self.dropped.load(Ordering::SeqCst));
        if made != dropped {
            return Err(format!("{made} tokens were made, {dropped} dropped"));
        }
        let counts = [&self.handled, &self.moved, &self.panicked, &self.answered];
        if counts.iter().any(|count| count.load(Ordering::Relaxed) == 0) {
            return Err(format!("something never happened: {}", self.line(0)));
        }
        Ok(())
    }

    pub(crate) fn line(&self, grown: u64) -> String {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (handled, moved) = (read(&self.handled), read(&self.moved));
        let (panicked, answered) = (read(&self.panicked), read(&self.answered));
        format!(
            r#"{{"handled":{handled},"moved":{moved},"panicked":{panicked},"answered":{answered},"grown_bytes":{grown}}}"#
        )
    }
}
