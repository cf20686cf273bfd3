//! Work that leaves the cores: what pool and blocking threads run, and how its result comes back.
//!
//! Whatever happens to a job that was accepted, its `done` is called exactly once: with the result, or with the news
//! that the work panicked or was never started. So an actor that waits for an answer always gets one.

use alloc::boxed::Box;
use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use abi::Explain;

/// How work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<R> {
    /// With this result.
    Done(R),
    /// By a panic, which stopped nothing else.
    Panicked,
    /// Before it began: its threads were ended.
    Cancelled,
}

/// Why work was not accepted. Neither the work nor its `done` was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// As much waits as may.
    Full,
    /// The threads are ended or ending.
    Ended,
    /// The system gives no thread, and none runs yet.
    NoThread,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "as much work waits for a thread as may",
            Self::Ended => "the threads for such work are ended",
            Self::NoThread => "the system gives no thread for such work",
        })
    }
}

impl core::error::Error for Refused {}

impl Explain for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Full => "actor::job::full",
            Self::Ended => "actor::job::ended",
            Self::NoThread => "actor::job::no_thread",
        }
    }
}

/// What to do with what has not been started when threads are ended. What runs is always waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Do it first.
    Finish,
    /// Don't start it; it comes back as [`Outcome::Cancelled`].
    Cancel,
}

/// What becomes of a job.
enum Fate {
    Run,
    Cancel,
}

/// One piece of work with its answer; a job that is dropped unrun answers that it was cancelled.
pub(crate) struct Job {
    act: Option<Box<dyn FnOnce(Fate) + Send>>,
}

impl Job {
    pub(crate) fn new<R, W, D>(work: W, done: D) -> Self
    where
        W: FnOnce() -> R + Send + 'static,
        D: FnOnce(Outcome<R>) + Send + 'static,
    {
        Self {
            act: Some(Box::new(move |fate| match fate {
                Fate::Run => match catch_unwind(AssertUnwindSafe(work)) {
                    Ok(result) => done(Outcome::Done(result)),
                    Err(payload) => {
                        done(Outcome::Panicked);
                        // Last, because a payload's own drop may panic as well.
                        drop(payload);
                    }
                },
                Fate::Cancel => {
                    done(Outcome::Cancelled);
                    drop(work);
                }
            })),
        }
    }

    /// Does the work and answers. Never panics.
    pub(crate) fn run(mut self) {
        self.act(Fate::Run);
    }

    fn act(&mut self, fate: Fate) {
        let Some(act) = self.act.take() else { return };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| act(fate))) {
            // The answer's own panic. Its payload is leaked: dropping it could panic once more.
            core::mem::forget(payload);
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.act(Fate::Cancel);
    }
}
