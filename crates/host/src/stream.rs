//! The numbering of what happens, and what of it is kept for those who come back: the last decisions always, the last
//! log lines while somebody listens to them and for a minute after.
//!
//! Every decision and every line gets its number whether it is kept or not, so that a gap is seen for what it is. Each is
//! written as text once, whoever hears it. What is kept is bounded in number and in bytes; nobody is waited for.

use std::collections::VecDeque;
use std::rc::Rc;

use abi::{ModuleId, Wall};
use protocol::operator::{Event, EventId, EventLine, EventTopic, EventsGone, EventsRequest, GoneReason};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// 1,024 events of a kind: hours of decisions in a quiet house, seconds of a loud module's lines.
const KEPT_MAX: usize = 1024;

/// 256 KiB of a kind: what the kernel's own memory can spare, twice.
const KEPT_BYTES_MAX: usize = 256 << 10;

/// 60 s after the last listener left, lines are still kept: it may only have lost its connection.
const LINES_KEPT_MS: u64 = 60_000;

/// 256 decisions are handed to the binary that takes over: those of some minutes, in a few microseconds.
const HANDED_OVER_MAX: usize = 256;

/// What may come after the word with which everything that is kept is asked for.
const OLDEST: &str = "oldest";

/// One event, as it is written to everybody.
#[derive(Debug)]
pub(crate) struct Told {
    number: u64,
    topic: EventTopic,
    module: Option<ModuleId>,
    /// A decision's code; empty for a line.
    code: String,
    /// As it is written, with its end of line.
    pub(crate) line: Rc<[u8]>,
}

/// What one listener wants of what is numbered.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    records: bool,
    logs: bool,
    modules: Vec<ModuleId>,
    codes: Vec<String>,
}

impl Wanted {
    /// What a request wants, with its modules' names read.
    pub(crate) fn of(request: &EventsRequest, modules: Vec<ModuleId>) -> Self {
        Self {
            records: request.wants(EventTopic::Records),
            logs: request.wants(EventTopic::Logs),
            modules,
            codes: request.codes.clone(),
        }
    }

    /// Whether it listens to what modules say.
    pub(crate) fn hears_lines(&self) -> bool {
        self.logs
    }

    pub(crate) fn takes(&self, told: &Told) -> bool {
        let of_it =
            self.modules.is_empty() || told.module.as_ref().is_some_and(|id| self.modules.contains(id));
        of_it
            && match told.topic {
                EventTopic::Records => self.records && self.takes_code(&told.code),
                EventTopic::Logs => self.logs,
                EventTopic::Usage => false,
            }
    }

    fn takes_code(&self, code: &str) -> bool {
        let is_it = |wanted: &String| match wanted.strip_suffix('.') {
            Some(_) => code.starts_with(wanted.as_str()),
            None => code == wanted,
        };
        self.codes.is_empty() || self.codes.iter().any(is_it)
    }
}

/// Events of one kind that are kept.
#[derive(Debug, Default)]
struct Ring {
    kept: VecDeque<Rc<Told>>,
    bytes: usize,
    /// The highest number of this kind that is not kept.
    gone: u64,
}

impl Ring {
    fn keep(&mut self, told: Rc<Told>) {
        self.bytes += told.line.len();
        self.kept.push_back(told);
        while self.kept.len() > KEPT_MAX || self.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= oldest.line.len();
            self.gone = oldest.number;
        }
    }

    fn drop_all(&mut self) {
        if let Some(last) = self.kept.back() {
            self.gone = last.number;
        }
        (self.kept, self.bytes) = (VecDeque::new(), 0);
    }
}

/// The stream of one kernel.
#[derive(Debug)]
pub(crate) struct Stream {
    epoch: String,
    last: u64,
    records: Ring,
    lines: Ring,
    /// Until when lines are kept though nobody listens; nothing while they are not kept.
    lines_until: Option<Wall>,
}

/// What one program leaves to the next of the stream. All of it may be left out.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct StreamLeft {
    #[serde(default)]
    epoch: String,
    #[serde(default)]
    last: u64,
    #[serde(default)]
    gone: u64,
    /// The last decisions: number, module, code, line.
    #[serde(default)]
    records: Vec<(u64, Option<String>, String, String)>,
}

/// What a listener that resumes is told first.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) gone: Option<EventsGone>,
    pub(crate) missed: Vec<Rc<Told>>,
}

impl Stream {
    /// The stream of a kernel that begins now, in this process.
    pub(crate) fn begin(started: Wall, pid: u32) -> Self {
        Self {
            epoch: format!("{:x}.{pid:x}", started.0),
            last: 0,
            records: Ring::default(),
            lines: Ring::default(),
            lines_until: None,
        }
    }

    /// The id of the last event so far.
    pub(crate) fn last(&self) -> String {
        self.id(self.last)
    }

    fn id(&self, number: u64) -> String {
        EventId { epoch: self.epoch.clone(), number }.to_string()
    }

    /// Numbers a decision and keeps it.
    pub(crate) fn record(&mut self, module: Option<&ModuleId>, code: &str, event: Event) -> Rc<Told> {
        let told = self.told(EventTopic::Records, module, code, event);
        self.records.keep(told.clone());
        told
    }

    /// Numbers a line and, where lines are kept, keeps it; `make` is asked for the event only then.
    pub(crate) fn line(
        &mut self,
        module: &ModuleId,
        now: Wall,
        listeners: usize,
        make: impl FnOnce() -> Event,
    ) -> Option<Rc<Told>> {
        if listeners > 0 {
            self.lines_until = Some(Wall(now.0.saturating_add(LINES_KEPT_MS)));
        } else if self.lines_until.is_some_and(|until| until < now) {
            self.lines_until = None;
            self.lines.drop_all();
        }
        if self.lines_until.is_none() {
            self.last += 1;
            self.lines.gone = self.last;
            return None;
        }
        let told = self.told(EventTopic::Logs, Some(module), "", make());
        self.lines.keep(told.clone());
        Some(told)
    }

    fn told(&mut self, topic: EventTopic, module: Option<&ModuleId>, code: &str, event: Event) -> Rc<Told> {
        self.last += 1;
        let line = EventLine { id: Some(self.id(self.last)), event };
        // The door's types are always JSON; a line that could not be made would be an empty one, which readers skip.
        let mut line = serde_json::to_vec(&line).unwrap_or_default();
        line.push(b'\n');
        Rc::new(Told {
            number: self.last,
            topic,
            module: module.cloned(),
            code: code.to_owned(),
            line: line.into(),
        })
    }

    /// Lines are kept from now on, for a listener that has just come.
    pub(crate) fn keep_lines(&mut self, now: Wall) {
        if self.lines_until.is_none() {
            self.lines.gone = self.last;
        }
        self.lines_until = Some(Wall(now.0.saturating_add(LINES_KEPT_MS)));
    }

    /// What came after this id, or everything that is kept when that can't be said; nothing when it is no id.
    pub(crate) fn after(&self, since: &str, wanted: &Wanted) -> Option<Resumed> {
        let (number, reason) = match since.parse::<EventId>() {
            _ if since == OLDEST => (0, None),
            Ok(id) if id.epoch != self.epoch || id.number > self.last => (0, Some(GoneReason::OtherEpoch)),
            Ok(id) => (id.number, (id.number < self.gone(wanted)).then_some(GoneReason::TooOld)),
            Err(_) => return None,
        };
        let later = self.records.kept.iter().chain(&self.lines.kept);
        let mut missed: Vec<Rc<Told>> =
            later.filter(|told| told.number > number && wanted.takes(told)).cloned().collect();
        missed.sort_by_key(|told| told.number);
        let gone = reason.map(|reason| EventsGone { since: since.to_owned(), reason });
        Some(Resumed { gone, missed })
    }

    /// The highest number that somebody who wants this may miss.
    fn gone(&self, wanted: &Wanted) -> u64 {
        let records = if wanted.records { self.records.gone } else { 0 };
        let lines = if wanted.logs { self.lines.gone } else { 0 };
        records.max(lines)
    }

    /// What the binary that takes over goes on with.
    pub(crate) fn leave(&self) -> StreamLeft {
        let first = self.records.kept.len().saturating_sub(HANDED_OVER_MAX);
        let gone =
            first.checked_sub(1).and_then(|index| self.records.kept.get(index)).map(|told| told.number);
        let texts = self.records.kept.iter().skip(first).map(|told| {
            let line = String::from_utf8_lossy(&told.line).into_owned();
            (told.number, told.module.as_ref().map(ToString::to_string), told.code.clone(), line)
        });
        StreamLeft {
            epoch: self.epoch.clone(),
            last: self.last,
            gone: gone.unwrap_or(self.records.gone),
            records: texts.collect(),
        }
    }

    /// Goes on with the numbers that were left. What was decided since this program began comes after them.
    pub(crate) fn resume(&mut self, left: StreamLeft) {
        if left.epoch.is_empty() {
            return;
        }
        *self = Self { epoch: left.epoch, last: left.last, ..Self::begin(Wall(0), 0) };
        (self.records.gone, self.lines.gone) = (left.gone, left.last);
        for (number, module, code, line) in left.records {
            let module = module.and_then(|id| ModuleId::parse(&id).ok());
            let line = line.into_bytes().into();
            self.records.keep(Rc::new(Told { number, topic: EventTopic::Records, module, code, line }));
        }
    }
}
