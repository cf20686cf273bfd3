//! The one stream of what happens: numbered, kept for a while, handed to everybody who listens.
//!
//! Each event is written as text once, whoever hears it. A listener that reads too slowly loses events, which are counted
//! and told to it alone; nobody waits for it. What is numbered is kept in a ring, so that a browser whose connection
//! broke gets what came in between.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;

#[cfg(test)]
mod tests;

/// 4,096 events: some minutes of a busy house, in about 2 MiB.
const RING_EVENTS_MAX: usize = 4096;

/// 4 MiB: the same bound for events that are long.
const RING_BYTES_MAX: usize = 4 << 20;

/// 1,024 events wait for one listener; a thousand listeners that sleep hold the same texts, not copies.
const WAITING_MAX: usize = 1024;

/// 1,100 listeners at once: a thousand dashboards and those who look at them.
pub(crate) const LISTENERS_MAX: usize = 1100;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    Records,
    Logs,
    Usage,
    /// Whether the kernel is there: heard by everybody.
    Kernel,
}

impl Topic {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "records" => Some(Self::Records),
            "logs" => Some(Self::Logs),
            "usage" => Some(Self::Usage),
            "kernel" => Some(Self::Kernel),
            _ => None,
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::Records => "record",
            Self::Logs => "log",
            Self::Usage => "usage",
            Self::Kernel => "kernel",
        }
    }

    /// Whether it can be missed: how things are now is told again anyway.
    fn is_numbered(self) -> bool {
        matches!(self, Self::Records | Self::Logs)
    }
}

/// What a listener wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) topics: BTreeSet<Topic>,
    /// Of these modules; of all when empty.
    pub(crate) modules: BTreeSet<String>,
}

impl Wanted {
    fn takes(&self, event: &Event) -> bool {
        let topic = event.topic == Topic::Kernel || self.topics.contains(&event.topic);
        let narrowed = event.topic.is_numbered() && !self.modules.is_empty();
        topic && (!narrowed || event.module.as_ref().is_some_and(|module| self.modules.contains(module)))
    }
}

#[derive(Debug)]
struct Event {
    /// 0 for what is not numbered.
    seq: u64,
    topic: Topic,
    module: Option<String>,
    /// As it is sent.
    text: Bytes,
}

/// Everybody who listens, and what they may have missed.
#[derive(Debug)]
pub(crate) struct Hub {
    /// Tells the numbers of this process from those of the one before.
    life: String,
    inner: Mutex<Inner>,
    /// How many listen to logs and to usage: nothing of it is asked of the kernel for nobody.
    demand: watch::Sender<Demand>,
}

/// What is listened to at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Demand {
    pub(crate) logs: usize,
    pub(crate) usage: usize,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    ring: VecDeque<Arc<Event>>,
    ring_bytes: usize,
    listeners: Vec<Listener>,
    is_connected: bool,
}

#[derive(Debug)]
struct Listener {
    wanted: Wanted,
    sender: Sender<Bytes>,
    lost: Arc<AtomicU64>,
}

/// What one listener gets.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) receiver: Receiver<Bytes>,
    pub(crate) lost: Arc<AtomicU64>,
    /// What comes before all that is received.
    pub(crate) first: VecDeque<Bytes>,
    _demand: Demanded,
}

/// Takes the demand back when the listener goes.
#[derive(Debug)]
struct Demanded {
    hub: Arc<Hub>,
    wanted: Wanted,
}

impl Drop for Demanded {
    fn drop(&mut self) {
        self.hub.demand.send_modify(|demand| {
            demand.logs -= usize::from(self.wanted.topics.contains(&Topic::Logs));
            demand.usage -= usize::from(self.wanted.topics.contains(&Topic::Usage));
        });
    }
}

impl Hub {
    pub(crate) fn new(life: String) -> Self {
        Self { life, inner: Mutex::default(), demand: watch::Sender::new(Demand::default()) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing is half done between two lines here that a later event would not mend.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is listened to, now and whenever it changes.
    pub(crate) fn demand(&self) -> watch::Receiver<Demand> {
        self.demand.subscribe()
    }

    /// Whether the kernel answers.
    pub(crate) fn is_connected(&self) -> bool {
        self.inner().is_connected
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.inner().listeners.iter().filter(|listener| !listener.sender.is_closed()).count()
    }

    /// Tells an event to everybody who wants it.
    pub(crate) fn tell<T: Serialize>(&self, topic: Topic, module: Option<&str>, data: &T) {
        let Ok(data) = serde_json::to_string(data) else { return };
        let mut inner = self.inner();
        let seq = if topic.is_numbered() { inner.last + 1 } else { 0 };
        let text = self.written(seq, topic, &data);
        let event = Arc::new(Event { seq, topic, module: module.map(str::to_owned), text });
        if topic.is_numbered() {
            inner.last = seq;
            inner.keep(event.clone());
        }
        inner.hand_out(&event);
    }

    /// Tells that the kernel came or went; nothing when it is known.
    pub(crate) fn tell_connected(&self, connected: bool) {
        if std::mem::replace(&mut self.inner().is_connected, connected) != connected {
            self.tell(Topic::Kernel, None, &serde_json::json!({ "connected": connected }));
        }
    }

    fn written(&self, seq: u64, topic: Topic, data: &str) -> Bytes {
        let id = if seq == 0 { String::new() } else { format!("id: {}-{seq}\n", self.life) };
        // JSON has no line ends of its own, so one `data` line holds all of it.
        Bytes::from(format!("{id}event: {}\ndata: {data}\n\n", topic.event()))
    }

    /// Begins to listen; nothing when there are too many. `after` is the last id that was heard.
    pub(crate) fn listen(self: &Arc<Self>, wanted: Wanted, after: Option<&str>) -> Option<Heard> {
        let (sender, receiver) = channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let mut inner = self.inner();
        inner.listeners.retain(|listener| !listener.sender.is_closed());
        if inner.listeners.len() >= LISTENERS_MAX {
            return None;
        }
        let data = format!("{{\"connected\":{}}}", inner.is_connected);
        let mut first = VecDeque::from([self.written(0, Topic::Kernel, &data)]);
        match after.map(|id| self.missed(&inner, id, &wanted)) {
            None => {}
            Some(Some(missed)) => first.extend(missed),
            Some(None) => first.push_back(Bytes::from_static(b"event: reset\ndata: {}\n\n")),
        }
        inner.listeners.push(Listener { wanted: wanted.clone(), sender, lost: lost.clone() });
        drop(inner);
        self.demand.send_modify(|demand| {
            demand.logs += usize::from(wanted.topics.contains(&Topic::Logs));
            demand.usage += usize::from(wanted.topics.contains(&Topic::Usage));
        });
        Some(Heard { receiver, lost, first, _demand: Demanded { hub: self.clone(), wanted } })
    }

    /// What came after this id; nothing when that is not known any more.
    fn missed(&self, inner: &Inner, id: &str, wanted: &Wanted) -> Option<Vec<Bytes>> {
        let (life, seq) = id.rsplit_once('-')?;
        let seq: u64 = seq.parse().ok()?;
        let first_kept = inner.ring.front().map_or(inner.last + 1, |event| event.seq);
        if life != self.life || seq > inner.last || seq + 1 < first_kept {
            return None;
        }
        let later = inner.ring.iter().filter(|event| event.seq > seq && wanted.takes(event));
        Some(later.map(|event| event.text.clone()).collect())
    }
}

impl Inner {
    fn keep(&mut self, event: Arc<Event>) {
        self.ring_bytes += event.text.len();
        self.ring.push_back(event);
        while self.ring.len() > RING_EVENTS_MAX || self.ring_bytes > RING_BYTES_MAX {
            let Some(oldest) = self.ring.pop_front() else { return };
            self.ring_bytes -= oldest.text.len();
        }
    }

    fn hand_out(&mut self, event: &Event) {
        self.listeners.retain(|listener| !listener.sender.is_closed());
        for listener in self.listeners.iter().filter(|listener| listener.wanted.takes(event)) {
            if listener.sender.try_send(event.text.clone()).is_err() {
                listener.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
