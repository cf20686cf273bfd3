//! The queue between the reading thread and the handlers.
//!
//! Two lines: *ordered* jobs (hooks, messages), which only the first handler thread takes, so that they stay in the
//! order in which the kernel sent them; and *calls*, which any thread takes. Once stopped, nothing is taken any more.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use protocol::door::ToModule;

use crate::call::Call;
use crate::limits::{CALLS_QUEUED_MAX, MESSAGES_QUEUED_MAX};
use crate::wire::lock;

/// Something that the user's code does.
pub(crate) enum Job {
    Ordered(ToModule),
    Call(Call),
}

/// What became of a job that was put into the queue.
pub(crate) enum Put {
    Taken,
    Full(Job),
    Stopped(Job),
}

/// Which thread asks for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worker {
    First,
    Further,
}

#[derive(Default)]
pub(crate) struct Jobs {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ordered: VecDeque<ToModule>,
    calls: VecDeque<Call>,
    running: usize,
    stopped: bool,
}

impl Jobs {
    pub(crate) fn put(&self, job: Job) -> Put {
        let mut state = lock(&self.state);
        if state.stopped {
            return Put::Stopped(job);
        }
        match job {
            Job::Ordered(_) if state.ordered.len() >= MESSAGES_QUEUED_MAX => return Put::Full(job),
            Job::Call(_) if state.calls.len() >= CALLS_QUEUED_MAX => return Put::Full(job),
            Job::Ordered(frame) => state.ordered.push_back(frame),
            Job::Call(call) => state.calls.push_back(call),
        }
        drop(state);
        // All of them: the one that is woken might not be one that may take the job.
        self.changed.notify_all();
        Put::Taken
    }

    /// Waits for the next job; `None` after the stop. Each job taken is `done` afterwards.
    pub(crate) fn take(&self, worker: Worker) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if state.stopped {
                return None;
            }
            let ordered = (worker == Worker::First).then(|| state.ordered.pop_front()).flatten();
            let job = ordered.map(Job::Ordered).or_else(|| state.calls.pop_front().map(Job::Call));
            if let Some(job) = job {
                state.running += 1;
                return Some(job);
            }
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    pub(crate) fn done(&self) {
        lock(&self.state).running -= 1;
        self.changed.notify_all();
    }

    /// Stops the queue and gives the calls that nobody will begin.
    pub(crate) fn stop(&self) -> Vec<Call> {
        let mut state = lock(&self.state);
        state.stopped = true;
        state.ordered.clear();
        let left = state.calls.drain(..).collect();
        drop(state);
        self.changed.notify_all();
        left
    }

    /// Waits for the jobs that run, for as long as `wait`.
    pub(crate) fn drain(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = lock(&self.state);
        while state.running > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = match self.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}
