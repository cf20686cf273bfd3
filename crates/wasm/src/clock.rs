//! The thread that moves an engine's epoch by wall-clock time, and only while a guest runs.
//!
//! # States
//! ```text
//! ticking ── nobody has run for LINGER ──► asleep ── a guest is entered ──► ticking ── engine dropped ──► ended
//! ```
//! `active` counts guests that are inside. The thread says `asleep` before it looks at `active` a last time; who
//! enters raises `active` before it looks at `asleep`. So at least one of the two sees the other, and no guest ever
//! runs without a clock. Shutdown: dropping the clock sets `ended`, wakes the thread and joins it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// 100 ms without a guest until the thread sleeps: a burst of calls then wakes it once, as a wake costs the caller.
const LINGER: Duration = Duration::from_millis(100);

/// On a line of its own, because every entry into any guest changes it.
#[repr(align(128))]
#[derive(Debug)]
struct Active(AtomicU64);

#[derive(Debug)]
struct Shared {
    active: Active,
    ticks: AtomicU64,
    asleep: AtomicBool,
    ended: AtomicBool,
}

/// The owner of the thread.
#[derive(Debug)]
pub(crate) struct Clock {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Held while a guest waits, which no borrow of the engine can span.
#[derive(Debug)]
pub(crate) struct Held {
    shared: Arc<Shared>,
}

/// Held while a guest runs.
#[derive(Debug)]
#[must_use = "the clock may stop as soon as this is dropped"]
pub struct Running<'a> {
    shared: &'a Shared,
}

impl Clock {
    pub(crate) fn try_new(engine: wasmtime::Engine, tick: Duration) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            active: Active(AtomicU64::new(0)),
            ticks: AtomicU64::new(0),
            asleep: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let thread = thread::Builder::new().name("wasm-clock".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || run(&shared, &engine, tick)
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(crate) fn running(&self) -> Running<'_> {
        self.shared.active.0.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Running { shared: &self.shared }
    }

    pub(crate) fn hold(&self) -> Held {
        // The guest keeps its place in the count; only the borrow ends.
        std::mem::forget(self.running());
        Held { shared: Arc::clone(&self.shared) }
    }

    pub(crate) fn now_ticks(&self) -> u64 {
        self.shared.ticks.load(Ordering::Acquire)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.shared.active.0.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.active.0.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It can't have panicked in a way that matters here: it only counts.
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, engine: &wasmtime::Engine, tick: Duration) {
    let mut last = Instant::now();
    let mut used = last;
    while !shared.ended.load(Ordering::SeqCst) {
        thread::park_timeout(tick);
        let now = Instant::now();
        // A late wake-up makes up for the time it lost; what is left of a tick is kept for the next.
        while now.duration_since(last) >= tick {
            last += tick;
            shared.ticks.fetch_add(1, Ordering::Release);
            engine.increment_epoch();
        }
        if shared.active.0.load(Ordering::SeqCst) > 0 {
            used = now;
        } else if now.duration_since(used) >= LINGER {
            sleep_until_used(shared);
            // No guest ran meanwhile, so no deadline was counting.
            last = Instant::now();
            used = last;
        }
    }
}

fn sleep_until_used(shared: &Shared) {
    shared.asleep.store(true, Ordering::SeqCst);
    while shared.active.0.load(Ordering::SeqCst) == 0 && !shared.ended.load(Ordering::SeqCst) {
        thread::park();
    }
    shared.asleep.store(false, Ordering::SeqCst);
}

#[cfg(test)]
mod tests;
