//! What all parts of a running module share: the wire, the calls on their way out and in, and the configuration.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use protocol::door::{FromModule, Opaque};
use serde_json::Value;

use crate::failure::{CallError, SendError};
use crate::limits::{CALL_WAIT_MAX, STREAM_WINDOW};
use crate::ongoing::Inbox;
use crate::wire::{Wire, lock};

/// The shared state of one module.
pub(crate) struct Core {
    pub(crate) wire: Wire,
    next_id: AtomicU64,
    /// Our own calls that are not answered yet.
    asked: Mutex<HashMap<String, Arc<Inbox>>>,
    /// Calls of others that we have not answered yet.
    serving: Mutex<HashMap<String, Arc<Serving>>>,
    config: Mutex<Arc<Value>>,
    reading_thread: OnceLock<ThreadId>,
}

impl Core {
    pub(crate) fn new(wire: Wire) -> Self {
        Self {
            wire,
            next_id: AtomicU64::new(1),
            asked: Mutex::default(),
            serving: Mutex::default(),
            config: Mutex::new(Arc::new(Value::Object(serde_json::Map::new()))),
            reading_thread: OnceLock::new(),
        }
    }

    pub(crate) fn next_id(&self) -> String {
        self.next_id.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Remembers which thread reads, since it must never wait for an answer.
    pub(crate) fn reads_here(&self) {
        self.reading_thread.get_or_init(|| thread::current().id());
    }

    pub(crate) fn is_reading_thread(&self) -> bool {
        self.reading_thread.get() == Some(&thread::current().id())
    }

    // Our own calls.

    pub(crate) fn expect_answer(&self, id: String, inbox: Arc<Inbox>) {
        lock(&self.asked).insert(id, inbox);
    }

    pub(crate) fn asked(&self, id: &str) -> Option<Arc<Inbox>> {
        lock(&self.asked).get(id).cloned()
    }

    /// Gives up waiting; whether the call was still unanswered.
    pub(crate) fn forget_asked(&self, id: &str) -> bool {
        lock(&self.asked).remove(id).is_some()
    }

    /// Ends every wait, because no answer can come any more.
    pub(crate) fn disconnect(&self) {
        let left: Vec<_> = lock(&self.asked).drain().collect();
        for (_, inbox) in left {
            inbox.settle(Err(CallError::Disconnected));
        }
    }

    // Calls of others.

    pub(crate) fn begin_serving(&self, serving: Arc<Serving>) {
        lock(&self.serving).insert(serving.id.clone(), serving);
    }

    pub(crate) fn serving(&self, id: &str) -> Option<Arc<Serving>> {
        lock(&self.serving).get(id).cloned()
    }

    /// Sends the one answer of a call; a second one is left out. What is no answer becomes an error that says so.
    pub(crate) fn answer(&self, serving: &Serving, result: Result<Value, String>) {
        let Some(chunks) = serving.finish() else { return };
        let id = serving.id.clone();
        if chunks > 0 && result.is_ok() {
            self.say(&FromModule::End { id: id.clone() });
        }
        let (result, error) = match result {
            Ok(value) => (Some(Opaque(value)), None),
            Err(error) => (None, Some(error)),
        };
        if let Err(problem) = self.wire.send(&FromModule::RpcResponse { id: id.clone(), result, error }) {
            let error = Some(format!("bad result: {problem}"));
            self.say(&FromModule::RpcResponse { id: id.clone(), result: None, error });
        }
        lock(&self.serving).remove(&id);
    }

    /// Sends a frame of which we know that it is a short line: it cannot be refused.
    pub(crate) fn say(&self, frame: &FromModule) {
        let sent: Result<(), SendError> = self.wire.send(frame);
        drop(sent);
    }

    // The configuration.

    /// Takes `{configKey: section}`, which never holds another module's section.
    pub(crate) fn set_config(&self, sections: Value) {
        let section = match sections {
            Value::Object(map) if map.len() == 1 => map.into_iter().map(|(_, section)| section).next(),
            other => Some(other),
        };
        *lock(&self.config) = Arc::new(section.unwrap_or_default());
    }

    pub(crate) fn config(&self) -> Arc<Value> {
        lock(&self.config).clone()
    }
}

/// The state of one call that this module serves: what the reading thread tells the handler.
pub(crate) struct Serving {
    pub(crate) id: String,
    state: Mutex<ServingState>,
    changed: Condvar,
}

struct ServingState {
    answered: bool,
    cancelled: bool,
    credit: u64,
    chunks: u64,
}

/// Whether the next piece of a stream may be sent.
pub(crate) enum Turn {
    /// Yes, under this number.
    Send(u64),
    /// Not within the time given.
    NoCredit,
    /// Nobody wants it any more.
    Over,
}

impl Serving {
    pub(crate) fn new(id: String) -> Self {
        let state = ServingState { answered: false, cancelled: false, credit: STREAM_WINDOW, chunks: 0 };
        Self { id, state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(crate) fn cancel(&self) {
        lock(&self.state).cancelled = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.cancelled || state.answered
    }

    pub(crate) fn grant(&self, count: u64) {
        let mut state = lock(&self.state);
        state.credit = state.credit.saturating_add(count);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until the next piece may be sent.
    pub(crate) fn take_turn(&self, wait: Duration) -> Turn {
        let mut state = self.wait_until(wait, |state| state.credit > 0 || state.cancelled || state.answered);
        if state.cancelled || state.answered {
            return Turn::Over;
        }
        if state.credit == 0 {
            return Turn::NoCredit;
        }
        state.credit -= 1;
        state.chunks += 1;
        Turn::Send(state.chunks - 1)
    }

    /// Waits for the cancel; whether it came.
    pub(crate) fn wait_cancelled(&self, wait: Duration) -> bool {
        self.wait_until(wait, |state| state.cancelled).cancelled
    }

    fn wait_until(
        &self,
        wait: Duration,
        done: impl Fn(&ServingState) -> bool,
    ) -> std::sync::MutexGuard<'_, ServingState> {
        let until = Instant::now() + wait.min(CALL_WAIT_MAX);
        let mut state = lock(&self.state);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if done(&state) || left.is_zero() {
                return state;
            }
            state = match self.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Marks the call as answered and gives how many pieces were sent; `None` when it was answered before.
    fn finish(&self) -> Option<u64> {
        let mut state = lock(&self.state);
        if state.answered {
            return None;
        }
        state.answered = true;
        Some(state.chunks)
    }
}
