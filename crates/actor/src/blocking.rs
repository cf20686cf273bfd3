//! Threads for work that waits: files, devices, foreign libraries. What waits there never holds up a core.
//!
//! Threads start when work comes and none is idle, up to a number; then work waits in a queue, up to a number; then it
//! is refused. Threads stay until the end: work that waits comes back.
//!
//! # Shutdown
//! As of the pool: refuse, finish or cancel what waits, join. What blocks for ever holds up the join for ever, so give
//! it a deadline of its own.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use std::sync::PoisonError;

use crate::job::{Ending, Job, Outcome, Refused};
use crate::sync::threads::{Arc, Builder, Condvar, JoinHandle, Mutex, MutexGuard, current_id};

/// The most threads for blocking work: each costs a stack and a place in the system's table.
pub const BLOCKING_THREADS_MAX: usize = 512;

/// The threads, for whom owns them.
pub struct Blocking {
    handle: BlockingHandle,
}

/// Submits work; clones are cheap and may be anywhere.
#[derive(Clone)]
pub struct BlockingHandle {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    woken: Condvar,
    threads_max: usize,
    waiting_max: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Threads that run no job: they wait, were notified, or have just been started.
    idle: usize,
    threads: Vec<JoinHandle<()>>,
    ended: bool,
}

impl Blocking {
    /// For at most `threads_max` threads (kept within 1 and [`BLOCKING_THREADS_MAX`]), for which at most `waiting_max`
    /// jobs may wait. No thread is started yet.
    pub fn new(threads_max: usize, waiting_max: usize) -> Self {
        let threads_max = threads_max.clamp(1, BLOCKING_THREADS_MAX);
        let state = Mutex::new(State::default());
        let shared = Shared { state, woken: Condvar::new(), threads_max, waiting_max };
        Self { handle: BlockingHandle { shared: Arc::new(shared) } }
    }

    /// A handle to submit work by.
    pub fn handle(&self) -> BlockingHandle {
        self.handle.clone()
    }

    /// Ends the threads and waits for them.
    pub fn end(mut self, ending: Ending) {
        self.stop(ending);
    }

    fn stop(&mut self, ending: Ending) {
        let mut state = self.handle.shared.lock();
        state.ended = true;
        let threads = core::mem::take(&mut state.threads);
        let cancelled = match ending {
            Ending::Finish => VecDeque::new(),
            Ending::Cancel => core::mem::take(&mut state.queue),
        };
        self.handle.shared.woken.notify_all();
        drop(state);
        // Their answers are called here, and may ask this for more.
        drop(cancelled);
        for thread in threads {
            // What is dropped by its own job can't wait for that job.
            if thread.thread().id() != current_id() {
                // Jobs contain their panics, so a thread has none to report.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        self.stop(Ending::Cancel);
    }
}

impl BlockingHandle {
    /// Has `work` done by a thread that may block, which then calls `done` with how it ended.
    ///
    /// # Errors
    /// [`Refused::Full`] when all threads are busy and as many jobs wait as may, [`Refused::Ended`],
    /// [`Refused::NoThread`]; neither closure is called then.
    pub fn submit<R, W, D>(&self, work: W, done: D) -> Result<(), Refused>
    where
        R: 'static,
        W: FnOnce() -> R + Send + 'static,
        D: FnOnce(Outcome<R>) + Send + 'static,
    {
        let mut state = self.shared.lock();
        if state.ended {
            return Err(Refused::Ended);
        }
        if state.queue.len() >= state.idle {
            self.start_thread(&mut state)?;
        }
        if state.queue.len() >= state.idle + self.shared.waiting_max {
            return Err(Refused::Full);
        }
        state.queue.push_back(Job::new(work, done));
        drop(state);
        self.shared.woken.notify_one();
        Ok(())
    }

    /// How many jobs wait for a thread.
    pub fn waiting(&self) -> usize {
        self.shared.lock().queue.len()
    }

    /// Starts one more thread if there may be one. A system that gives none is no reason to refuse while others run.
    fn start_thread(&self, state: &mut State) -> Result<(), Refused> {
        if state.threads.len() >= self.shared.threads_max {
            return Ok(());
        }
        let shared = self.shared.clone();
        let name = format!("blocking-{}", state.threads.len());
        match Builder::new().name(name).spawn(move || shared.work()) {
            Ok(thread) => {
                state.threads.push(thread);
                state.idle += 1;
                Ok(())
            }
            Err(_) if state.threads.is_empty() => Err(Refused::NoThread),
            Err(_) => Ok(()),
        }
    }
}

impl Shared {
    /// The state is whole whenever the lock is free: nothing that can panic happens under it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each thread does until the end. It is counted as idle when it starts.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.idle -= 1;
                drop(state);
                job.run();
                state = self.lock();
                state.idle += 1;
            } else if state.ended {
                return;
            } else {
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blocking(at most {} threads)", self.handle.shared.threads_max)
    }
}

impl fmt::Debug for BlockingHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockingHandle(at most {} threads)", self.shared.threads_max)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

#[cfg(all(test, shuttle))]
mod schedules;
