//! A call of ours that is not answered yet: its progress, its pieces, its answer.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use protocol::door::FromModule;
use serde_json::Value;

use crate::core::Core;
use crate::failure::CallError;
use crate::limits::{CALL_WAIT_MAX, CHUNKS_QUEUED_MAX, STREAM_WINDOW};
use crate::wire::lock;

/// One thing that comes back while a call is on its way.
#[derive(Debug)]
pub enum Part {
    /// How far the other side is.
    Progress {
        /// 0 to 1.
        fraction: Option<f64>,
        /// What is being done.
        msg: Option<String>,
    },
    /// One piece of a streamed result.
    Chunk(Value),
    /// The answer; nothing comes after it.
    Answer(Result<Value, CallError>),
}

/// A call that is not answered yet. Dropping it gives the call up.
pub struct Ongoing {
    core: Arc<Core>,
    id: String,
    inbox: Arc<Inbox>,
    until: Instant,
    chunks_taken: u64,
    answered: bool,
}

impl Ongoing {
    pub(crate) fn new(core: Arc<Core>, id: String, inbox: Arc<Inbox>, deadline: Option<Instant>) -> Self {
        let until = deadline.unwrap_or_else(|| Instant::now() + CALL_WAIT_MAX);
        Self { core, id, inbox, until, chunks_taken: 0, answered: false }
    }

    /// Waits for the next part. After the answer it gives `None`.
    pub fn next_part(&mut self) -> Option<Part> {
        if self.answered {
            return None;
        }
        if self.core.is_reading_thread() {
            return Some(self.give_up(CallError::OnReadingThread));
        }
        let Some(part) = self.inbox.next_until(self.until) else {
            return Some(self.give_up(CallError::TimedOut));
        };
        match &part {
            Part::Progress { .. } => {}
            Part::Chunk(_) => self.count_chunk(),
            Part::Answer(_) => self.answered = true,
        }
        Some(part)
    }

    /// Waits for the answer; pieces and progress before it are left out.
    ///
    /// # Errors
    /// What the call was answered with, or why no answer came.
    pub fn answer(mut self) -> Result<Value, CallError> {
        while let Some(part) = self.next_part() {
            if let Part::Answer(answer) = part {
                return answer;
            }
        }
        Err(CallError::Disconnected)
    }

    /// Grants more by the half window, so that the sender need not wait for a reader that keeps up.
    fn count_chunk(&mut self) {
        self.chunks_taken += 1;
        if self.chunks_taken.is_multiple_of(STREAM_WINDOW / 2) {
            self.core.say(&FromModule::Credit { id: self.id.clone(), n: STREAM_WINDOW / 2 });
        }
    }

    fn give_up(&mut self, why: CallError) -> Part {
        self.answered = true;
        if self.core.forget_asked(&self.id) {
            self.core.say(&FromModule::Cancel { id: self.id.clone() });
        }
        Part::Answer(Err(why))
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        if !self.answered {
            self.give_up(CallError::Cancelled);
        }
    }
}

impl std::fmt::Debug for Ongoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ongoing")
            .field("id", &self.id)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

/// Which kind of answer a call waits for: ids of the two kinds of call are never mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Service,
    Kernel,
}

/// The sender of a stream ignores its credit.
pub(crate) struct Overrun;

/// Where the reading thread puts what comes back.
pub(crate) struct Inbox {
    pub(crate) asked: Asked,
    parts: Mutex<VecDeque<Part>>,
    arrived: Condvar,
}

impl Inbox {
    pub(crate) fn new(asked: Asked) -> Self {
        Self { asked, parts: Mutex::default(), arrived: Condvar::new() }
    }

    /// Keeps the latest progress until it is read; an older one that nobody has read is of no use.
    pub(crate) fn put_progress(&self, fraction: Option<f64>, msg: Option<String>) {
        let mut parts = lock(&self.parts);
        if matches!(parts.back(), Some(Part::Progress { .. })) {
            parts.pop_back();
        }
        parts.push_back(Part::Progress { fraction, msg });
        drop(parts);
        self.arrived.notify_one();
    }

    /// Keeps a piece until it is read.
    pub(crate) fn put_chunk(&self, data: Value) -> Result<(), Overrun> {
        let mut parts = lock(&self.parts);
        if parts.iter().filter(|part| matches!(part, Part::Chunk(_))).count() >= CHUNKS_QUEUED_MAX {
            return Err(Overrun);
        }
        parts.push_back(Part::Chunk(data));
        drop(parts);
        self.arrived.notify_one();
        Ok(())
    }

    pub(crate) fn settle(&self, answer: Result<Value, CallError>) {
        lock(&self.parts).push_back(Part::Answer(answer));
        self.arrived.notify_one();
    }

    fn next_until(&self, until: Instant) -> Option<Part> {
        let mut parts = lock(&self.parts);
        loop {
            if let Some(part) = parts.pop_front() {
                return Some(part);
            }
            let left: Duration = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            parts = match self.arrived.wait_timeout(parts, left) {
                Ok((parts, _)) => parts,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}
