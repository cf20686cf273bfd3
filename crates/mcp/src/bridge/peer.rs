//! The other side of a pair of pipes that speak JSON-RPC: requests of ours with their answers and progress, and what the
//! other side says by itself.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::rpc::{self, Id, LINE_BYTES_MAX, Line, Message, RpcError, code};

#[cfg(test)]
mod tests;

/// 256 lines wait for a server that does not read its stdin; the next request is refused.
const LINES_WAITING_MAX: usize = 256;

/// 1,024 requests are open at once, as many as the kernel lets a module have.
const REQUESTS_MAX: usize = 1024;

/// 64 KiB are read at once.
const READ_BYTES: usize = 64 << 10;

/// What a listener is told.
#[derive(Debug)]
pub(super) enum Heard {
    /// Something happened there.
    Notification {
        /// What.
        method: String,
        /// With what.
        params: Map<String, Value>,
    },
    /// A line that is no message.
    Noise(String),
    /// A line was longer than [`LINE_BYTES_MAX`].
    TooLong,
    /// The pipe has ended.
    End,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum AskError {
    /// The other side refused it.
    #[error(transparent)]
    Refused(#[from] RpcError),
    /// The other side is gone.
    #[error("the MCP server has ended")]
    Gone,
    /// It reads too slowly, or too much is open.
    #[error("overloaded")]
    Overloaded,
    /// It took too long.
    #[error("the MCP server did not answer in time")]
    Late,
}

/// One thing that comes back for a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// How far it is, 0 to 1 where that can be said, and in words.
    Progress(Option<f64>, Option<String>),
    /// The answer; nothing comes after it.
    Answer(Result<Value, AskError>),
}

/// The other side.
pub(super) struct Peer {
    lines: SyncSender<String>,
    waiting: Mutex<HashMap<u64, Arc<Slot>>>,
    next: AtomicU64,
    /// When anything was last heard.
    heard_at: Mutex<Instant>,
    is_over: Mutex<bool>,
}

#[derive(Default)]
struct Slot {
    state: Mutex<SlotState>,
    arrived: Condvar,
}

#[derive(Default)]
struct SlotState {
    progress: Option<(Option<f64>, Option<String>)>,
    answer: Option<Result<Value, AskError>>,
}

impl Peer {
    /// Speaks over these two pipes, on two threads of its own, and tells `listener` what comes unasked.
    pub(super) fn over(
        input: impl Read + Send + 'static,
        mut output: impl Write + Send + 'static,
        listener: impl Fn(&Peer, Heard) + Send + 'static,
    ) -> Arc<Self> {
        let (lines, to_write) = sync_channel::<String>(LINES_WAITING_MAX);
        let peer = Arc::new(Self {
            lines,
            waiting: Mutex::default(),
            next: AtomicU64::new(1),
            heard_at: Mutex::new(Instant::now()),
            is_over: Mutex::new(false),
        });
        thread::spawn(move || {
            // An empty line closes the pipe: no message is one.
            for line in to_write.into_iter().take_while(|line| !line.is_empty()) {
                if output.write_all(line.as_bytes()).and_then(|()| output.flush()).is_err() {
                    return;
                }
            }
        });
        let reading = peer.clone();
        thread::spawn(move || {
            reading.read(input, &listener);
            reading.end();
            listener(&reading, Heard::End);
        });
        peer
    }

    /// Sends a request. `progress` says whether its progress is wanted.
    pub(super) fn start(
        self: &Arc<Self>,
        method: &str,
        mut params: Map<String, Value>,
    ) -> Result<Pending, AskError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let meta = params.entry("_meta").or_insert_with(|| json!({}));
        if let Value::Object(meta) = meta {
            meta.insert("progressToken".to_owned(), Value::from(number));
        }
        let slot = Arc::new(Slot::default());
        {
            let mut waiting = lock(&self.waiting);
            if waiting.len() >= REQUESTS_MAX {
                return Err(AskError::Overloaded);
            }
            waiting.insert(number, slot.clone());
        }
        let pending = Pending { peer: self.clone(), number, slot };
        self.say(&rpc::request(&Id::of_number(number), method, Value::Object(params)))?;
        // Looked at after the request was registered, so that an end in between is not missed.
        if *lock(&self.is_over) {
            return Err(AskError::Gone);
        }
        Ok(pending)
    }

    /// Sends a request and waits for its answer.
    pub(super) fn ask(
        self: &Arc<Self>,
        method: &str,
        params: Map<String, Value>,
        limit: Duration,
    ) -> Result<Value, AskError> {
        let pending = self.start(method, params)?;
        let until = Instant::now() + limit;
        loop {
            match pending.next(until.saturating_duration_since(Instant::now())) {
                Some(Part::Answer(answer)) => return answer,
                Some(Part::Progress(..)) => {}
                None => {
                    pending.give_up("it took too long");
                    return Err(AskError::Late);
                }
            }
        }
    }

    /// Sends a notification.
    pub(super) fn tell(&self, method: &str, params: Value) -> Result<(), AskError> {
        self.say(&rpc::notification(method, params))
    }

    /// How long nothing has been heard.
    pub(super) fn silent_for(&self) -> Duration {
        lock(&self.heard_at).elapsed()
    }

    /// Closes the pipe to the other side, behind what was said.
    pub(super) fn hang_up(&self) {
        // A full pipe is one that nobody reads: its end is seen when the process goes.
        let _full = self.lines.try_send(String::new());
    }

    fn say(&self, message: &Value) -> Result<(), AskError> {
        let line = format!("{message}\n");
        self.lines.try_send(line).map_err(|error| match error {
            TrySendError::Full(_) => AskError::Overloaded,
            TrySendError::Disconnected(_) => AskError::Gone,
        })
    }

    fn read(&self, input: impl Read, listener: &impl Fn(&Peer, Heard)) {
        let mut input = BufReader::with_capacity(READ_BYTES, input);
        let mut line = Vec::new();
        loop {
            line.clear();
            // One byte more than a line may have tells a long one from one that just fits.
            let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
            match input.by_ref().take(limit).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            *lock(&self.heard_at) = Instant::now();
            if line.len() > LINE_BYTES_MAX {
                if !line.ends_with(b"\n") && skip_line(&mut input).is_err() {
                    return;
                }
                listener(self, Heard::TooLong);
                continue;
            }
            self.take(&String::from_utf8_lossy(&line), listener);
        }
    }

    fn take(&self, line: &str, listener: &impl Fn(&Peer, Heard)) {
        match rpc::read(line) {
            Line::Blank => {}
            Line::One(Err(flaw)) if flaw.error.code == code::PARSE => {
                listener(self, Heard::Noise(line.trim_end().to_owned()));
            }
            Line::One(message) => self.take_message(message, listener),
            Line::Batch(messages) => {
                for message in messages {
                    self.take_message(message, listener);
                }
            }
        }
    }

    fn take_message(&self, message: Result<Message, Box<rpc::Flaw>>, listener: &impl Fn(&Peer, Heard)) {
        match message {
            Err(flaw) => listener(self, Heard::Noise(flaw.error.message)),
            Ok(Message::Answer { id, outcome }) => self.settle(&id, outcome),
            Ok(Message::Notification { method, params }) if method == "notifications/progress" => {
                self.note_progress(&params);
            }
            Ok(Message::Notification { method, params }) => {
                listener(self, Heard::Notification { method, params });
            }
            Ok(Message::Request { id, method, .. }) => {
                let answer = match method.as_str() {
                    "ping" => rpc::result(&id, json!({})),
                    // No ability was announced that would let it ask for more.
                    _ => rpc::error(
                        Some(&id),
                        &RpcError::new(code::METHOD_NOT_FOUND, "a module can't be asked for this"),
                    ),
                };
                // Who does not read what it asked for waits for nothing.
                let _unheard = self.say(&answer);
            }
        }
    }

    fn settle(&self, id: &Id, outcome: Result<Value, RpcError>) {
        let slot = id.as_number().and_then(|number| lock(&self.waiting).remove(&number));
        if let Some(slot) = slot {
            lock(&slot.state).answer = Some(outcome.map_err(AskError::Refused));
            slot.arrived.notify_all();
        }
    }

    fn note_progress(&self, params: &Map<String, Value>) {
        let number = params.get("progressToken").and_then(Value::as_u64);
        let slot = number.and_then(|number| lock(&self.waiting).get(&number).cloned());
        let Some(slot) = slot else { return };
        let done = params.get("progress").and_then(Value::as_f64);
        let total = params.get("total").and_then(Value::as_f64).filter(|total| *total > 0.0);
        let fraction = done.zip(total).map(|(done, total)| (done / total).clamp(0.0, 1.0));
        let words = params.get("message").and_then(Value::as_str).map(str::to_owned);
        lock(&slot.state).progress = Some((fraction, words));
        slot.arrived.notify_all();
    }

    fn end(&self) {
        *lock(&self.is_over) = true;
        for (_, slot) in lock(&self.waiting).drain() {
            lock(&slot.state).answer = Some(Err(AskError::Gone));
            slot.arrived.notify_all();
        }
    }
}

/// A request that is not answered yet; dropping it forgets it.
pub(super) struct Pending {
    peer: Arc<Peer>,
    number: u64,
    slot: Arc<Slot>,
}

impl Pending {
    /// What comes next, if it comes within this time.
    pub(super) fn next(&self, wait: Duration) -> Option<Part> {
        let until = Instant::now() + wait;
        let mut state = lock(&self.slot.state);
        loop {
            if let Some((fraction, words)) = state.progress.take() {
                return Some(Part::Progress(fraction, words));
            }
            if let Some(answer) = state.answer.take() {
                return Some(Part::Answer(answer));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = match self.slot.arrived.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Tells the other side that nobody waits any more.
    pub(super) fn give_up(self, why: &str) {
        let params = json!({ "requestId": self.number, "reason": why });
        // Who can't be told goes on for nothing, which harms nobody.
        let _unheard = self.peer.tell("notifications/cancelled", params);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        lock(&self.peer.waiting).remove(&self.number);
    }
}

fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let part = input.fill_buf()?;
        if part.is_empty() {
            return Ok(());
        }
        let (taken, is_end) = match part.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (part.len(), false),
        };
        input.consume(taken);
        if is_end {
            return Ok(());
        }
    }
}

/// No code that holds one of these locks can leave it half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
