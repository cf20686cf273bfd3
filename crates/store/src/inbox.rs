//! The bounded place between callers that must not wait and one thread that writes.
//!
//! # Who may touch what
//! Callers push, flush, close and read the health. The writing thread alone waits for work, takes it, and reports back.
//! The lock is held for a push or a swap, never while anything is written, so a caller waits for no disk.
//!
//! # States
//! ```text
//! Open ──close──▶ Closing ──the thread has written, or has given up──▶ Ended
//!   └──────────────the thread dies─────────────────────────────────────▲
//! ```
//! While it is open, pushes are admitted by the buffer; after that they are counted as lost.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::health::{Admission, CloseError, Counts, FlushError, Health, Trouble};

/// 1 day: nobody waits longer for a flush or a close, and a moment that far ahead can always be named.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// What waits to be written, within limits of its own kind.
pub(crate) trait Buffer: Default {
    /// What callers hand over.
    type Item;

    /// Takes an item, or counts it as lost.
    fn push(&mut self, item: Self::Item) -> Admission;

    /// Whether there is nothing to write, not even a count of what was lost.
    fn is_empty(&self) -> bool;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Ended,
}

#[derive(Debug)]
struct State<B> {
    buffer: B,
    phase: Phase,
    counts: Counts,
    health: Health,
    /// Whether the thread waits for work; only then it has to be woken, which costs a system call.
    asleep: bool,
    /// How many flushes were asked for.
    flushes_wanted: u64,
    /// How many of them are answered, and how the last ended.
    flushes_done: u64,
    flush_error: Option<Trouble>,
}

/// The place; shared by the callers' handle and the thread.
#[derive(Debug)]
pub(crate) struct Inbox<B> {
    state: Mutex<State<B>>,
    /// There is work for the thread.
    work: Condvar,
    /// The thread has answered a flush or has ended.
    answer: Condvar,
}

/// What the thread is to do in one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Round {
    /// Everything taken so far is to be made durable, and `Inbox::answer_flushes` told this number.
    pub(crate) flush: Option<u64>,
    /// No more will come after what was taken in this round.
    pub(crate) last: bool,
    /// Whether what waited was taken; without that a success answers no flush and ends nothing.
    pub(crate) took: bool,
}

impl Round {
    /// The round in which the thread gets ready, before it waits for the first time.
    pub(crate) const FIRST: Self = Self { flush: None, last: false, took: true };
}

/// Whether the thread can take new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appetite {
    /// Whatever comes.
    Hungry,
    /// Whatever there is when the time comes, a flush or the end, but nothing new is a reason to wake it.
    Patient,
    /// As patient, and it takes nothing: it still has what it could not write.
    Full,
}

impl<B: Buffer> Inbox<B> {
    pub(crate) fn new() -> Self {
        let state = State {
            buffer: B::default(),
            phase: Phase::Open,
            counts: Counts::default(),
            health: Health::Well,
            asleep: false,
            flushes_wanted: 0,
            flushes_done: 0,
            flush_error: None,
        };
        Self { state: Mutex::new(state), work: Condvar::new(), answer: Condvar::new() }
    }

    /// The state stays usable after a panic of another thread: every change to it is complete before the lock goes.
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over one item. Never waits for the writer.
    pub(crate) fn push(&self, item: B::Item) -> Admission {
        let mut state = self.lock();
        let admission = match state.phase {
            Phase::Open => state.buffer.push(item),
            Phase::Closing | Phase::Ended => Admission::Lost,
        };
        match admission {
            Admission::Queued => state.counts.accepted += 1,
            Admission::Lost => state.counts.lost += 1,
        }
        let wake = state.asleep && !state.buffer.is_empty();
        // One wake-up is enough: the thread says again when it waits the next time.
        state.asleep &= !wake;
        drop(state);
        if wake {
            self.work.notify_one();
        }
        admission
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    pub(crate) fn health(&self) -> Health {
        self.lock().health.clone()
    }

    /// Waits until everything pushed before is written and durable, at most for `within`.
    pub(crate) fn flush(&self, within: Duration) -> Result<(), FlushError> {
        let until = Instant::now() + within.min(WAIT_MAX);
        let mut state = self.lock();
        state.flushes_wanted += 1;
        let ticket = state.flushes_wanted;
        self.wake_thread(&mut state);
        loop {
            if state.flushes_done >= ticket {
                let waiting = state.counts.accepted - state.counts.settled;
                return state
                    .flush_error
                    .clone()
                    .map_or(Ok(()), |error| Err(FlushError::Failing { waiting, error }));
            }
            if state.phase == Phase::Ended {
                return Err(FlushError::Ended);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let waiting = state.counts.accepted - state.counts.settled;
                return Err(FlushError::TimedOut { waiting, within });
            }
            state = self.answer.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets no more in and asks the thread to write what there is and to end.
    pub(crate) fn begin_close(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.wake_thread(&mut state);
    }

    /// Closes and waits for the thread's end, at most for `within`.
    pub(crate) fn close(&self, within: Duration) -> Result<(), CloseError> {
        self.begin_close();
        let until = Instant::now() + within.min(WAIT_MAX);
        let mut state = self.lock();
        while state.phase != Phase::Ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(CloseError::TimedOut { waiting: state.counts.accepted - state.counts.settled });
            }
            state = self.answer.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let lost = state.counts.accepted - state.counts.settled;
        match &state.health {
            _ if lost == 0 => Ok(()),
            Health::Failing { error, .. } => Err(CloseError::GaveUp { lost, error: error.clone() }),
            Health::Well => Err(CloseError::Died { lost }),
        }
    }

    fn wake_thread(&self, state: &mut State<B>) {
        state.asleep = false;
        self.work.notify_one();
    }

    /// Waits for something to do, at most until `until`, and lets `take` have what waits. `take` gives how many items
    /// it adds of its own, for what was lost.
    pub(crate) fn wait(
        &self,
        appetite: Appetite,
        until: Option<Instant>,
        take: impl FnOnce(&mut B) -> u64,
    ) -> Round {
        let mut state = self.lock();
        loop {
            let hungry = appetite == Appetite::Hungry;
            let flush = (state.flushes_wanted > state.flushes_done).then_some(state.flushes_wanted);
            let last = state.phase != Phase::Open;
            let now = Instant::now();
            let due = until.is_some_and(|until| until <= now);
            if (hungry && !state.buffer.is_empty()) || flush.is_some() || last || due {
                state.asleep = false;
                let took = appetite != Appetite::Full;
                if took {
                    state.counts.accepted += take(&mut state.buffer);
                }
                return Round { flush, last, took };
            }
            state.asleep = hungry;
            state = match until {
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    self.work.wait_timeout(state, until - now).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Counts items as done with.
    pub(crate) fn settle(&self, items: u64) {
        self.lock().counts.settled += items;
    }

    /// Counts items as done with, and as lost.
    pub(crate) fn settle_lost(&self, items: u64) {
        let mut state = self.lock();
        state.counts.settled += items;
        state.counts.lost += items;
    }

    /// Answers the flushes of a round, unless it was a success that left something waiting.
    pub(crate) fn answer_flushes(&self, round: Round, error: Option<Trouble>) {
        let Some(flush) = round.flush else { return };
        if error.is_none() && !round.took {
            return;
        }
        let mut state = self.lock();
        state.flushes_done = flush;
        state.flush_error = error;
        drop(state);
        self.answer.notify_all();
    }

    /// Changes the health; gives whether it is another one than before, not counting a new error of the same trouble.
    pub(crate) fn set_health(&self, health: Health) -> bool {
        let mut state = self.lock();
        let changed = matches!(state.health, Health::Well) != matches!(health, Health::Well);
        state.health = health;
        changed
    }
}

/// Tells the callers that the thread has ended, however it ended.
pub(crate) struct EndGuard<'a, B: Buffer>(pub(crate) &'a Inbox<B>);

impl<B: Buffer> Drop for EndGuard<'_, B> {
    fn drop(&mut self) {
        self.0.lock().phase = Phase::Ended;
        self.0.answer.notify_all();
    }
}

#[cfg(test)]
mod tests;
