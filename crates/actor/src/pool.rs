//! Threads for work that only computes: an idle one takes from a busy one, so a few long jobs delay nobody else.
//!
//! # Shutdown
//! New jobs are refused first; then what waits is done or cancelled ([`Ending`]); then every thread is joined. A job that
//! slips in between is cancelled when the last handle goes. Threads never outlive the [`Pool`].
//!
//! # Sleeping
//! A worker without work counts itself as a sleeper, looks once more, and waits, all under one lock. Who submits pushes
//! first and looks at the count afterwards, with a fence in between (as in `park`), and takes that lock to notify: so it
//! never notifies between a worker's last look and its wait.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use std::io;
use std::sync::PoisonError;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};

use crate::job::{Ending, Job, Outcome, Refused};
use crate::sync::threads::{
    Arc, AtomicBool, AtomicUsize, Builder, Condvar, JoinHandle, Mutex, Ordering, current_id, fence,
};

/// The most threads of one pool: more than this compute nothing faster on any machine this is for.
pub const POOL_THREADS_MAX: usize = 256;

/// The threads, for whom owns them.
pub struct Pool {
    handle: PoolHandle,
    threads: Vec<JoinHandle<()>>,
}

/// Submits work; clones are cheap and may be anywhere.
#[derive(Clone)]
pub struct PoolHandle {
    shared: Arc<Shared>,
}

struct Shared {
    injector: Injector<Job>,
    stealers: Vec<Stealer<Job>>,
    /// Jobs accepted and not yet started, at most `waiting_max`.
    waiting: AtomicUsize,
    waiting_max: usize,
    sleepers: AtomicUsize,
    ended: AtomicBool,
    cancelled: AtomicBool,
    bed: Mutex<()>,
    woken: Condvar,
}

impl Pool {
    /// Starts so many threads (kept within 1 and [`POOL_THREADS_MAX`]), for which at most `waiting_max` jobs may wait.
    ///
    /// # Errors
    /// When the system gives no thread; those that were started are ended again.
    pub fn start(threads: usize, waiting_max: usize) -> io::Result<Self> {
        let workers: Vec<_> = (0..threads.clamp(1, POOL_THREADS_MAX)).map(|_| Worker::new_fifo()).collect();
        let shared = Arc::new(Shared {
            injector: Injector::new(),
            stealers: workers.iter().map(Worker::stealer).collect(),
            waiting: AtomicUsize::new(0),
            waiting_max,
            sleepers: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            bed: Mutex::new(()),
            woken: Condvar::new(),
        });
        let mut pool = Self { handle: PoolHandle { shared: shared.clone() }, threads: Vec::new() };
        for (index, worker) in workers.into_iter().enumerate() {
            let shared = shared.clone();
            let thread = Builder::new().name(format!("pool-{index}"));
            pool.threads.push(thread.spawn(move || shared.work(&worker))?);
        }
        Ok(pool)
    }

    /// A handle to submit work by.
    pub fn handle(&self) -> PoolHandle {
        self.handle.clone()
    }

    /// Ends the threads and waits for them.
    pub fn end(mut self, ending: Ending) {
        self.stop(ending);
    }

    fn stop(&mut self, ending: Ending) {
        let shared = &self.handle.shared;
        if ending == Ending::Cancel {
            shared.cancelled.store(true, Ordering::SeqCst);
        }
        shared.ended.store(true, Ordering::SeqCst);
        shared.wake_all();
        for thread in self.threads.drain(..) {
            // A pool that is dropped by its own job can't wait for that job.
            if thread.thread().id() != current_id() {
                // Jobs contain their panics, so a worker has none to report.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop(Ending::Cancel);
    }
}

impl PoolHandle {
    /// Has `work` done by some thread, which then calls `done` with how it ended. `done` should only hand the result on
    /// (send a message): it holds up the thread.
    ///
    /// # Errors
    /// [`Refused::Full`] and [`Refused::Ended`]; neither closure is called then.
    pub fn submit<R, W, D>(&self, work: W, done: D) -> Result<(), Refused>
    where
        R: 'static,
        W: FnOnce() -> R + Send + 'static,
        D: FnOnce(Outcome<R>) + Send + 'static,
    {
        self.shared.accept()?;
        self.shared.injector.push(Job::new(work, done));
        self.shared.wake_one();
        Ok(())
    }

    /// How many jobs wait for a thread.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Counts one more job, if it may wait.
    fn accept(&self) -> Result<(), Refused> {
        if self.ended.load(Ordering::SeqCst) {
            return Err(Refused::Ended);
        }
        let one_more = |waiting| (waiting < self.waiting_max).then_some(waiting + 1);
        match self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(()),
            Err(_) => Err(Refused::Full),
        }
    }

    fn wake_one(&self) {
        // Between the push and the look at the sleepers: pairs with the fence of `sleep`.
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            let _bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
            self.woken.notify_one();
        }
    }

    fn wake_all(&self) {
        let _bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.woken.notify_all();
    }

    /// What each thread does until the pool ends and nothing is left.
    fn work(&self, worker: &Worker<Job>) {
        loop {
            while let Some(job) = self.find(worker) {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                if self.cancelled.load(Ordering::SeqCst) {
                    drop(job);
                } else {
                    job.run();
                }
            }
            if self.sleep() == Slept::Ended {
                return;
            }
        }
    }

    fn find(&self, worker: &Worker<Job>) -> Option<Job> {
        if let Some(job) = worker.pop() {
            return Some(job);
        }
        loop {
            let mut steal = self.injector.steal_batch_and_pop(worker);
            for stealer in &self.stealers {
                steal = steal.or_else(|| stealer.steal());
            }
            match steal {
                Steal::Success(job) => return Some(job),
                Steal::Empty => return None,
                // Somebody else made progress meanwhile.
                Steal::Retry => {}
            }
        }
    }

    fn sleep(&self) -> Slept {
        let bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        // Between the count and the last look for work: pairs with the fence of `wake_one`.
        fence(Ordering::SeqCst);
        let idle = self.injector.is_empty() && self.stealers.iter().all(Stealer::is_empty);
        let ended = self.ended.load(Ordering::SeqCst);
        if idle && !ended {
            drop(self.woken.wait(bed).unwrap_or_else(PoisonError::into_inner));
        }
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        if idle && ended { Slept::Ended } else { Slept::LookAgain }
    }
}

/// Why a worker is awake again.
#[derive(PartialEq, Eq)]
enum Slept {
    LookAgain,
    Ended,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} threads, {} jobs wait)", self.threads.len(), self.handle.waiting())
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolHandle({} jobs wait)", self.waiting())
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

#[cfg(all(test, shuttle))]
mod schedules;
