//! Everything that is said: records go to the journal, log lines to the logs, and both to whoever listens right now.
//!
//! Nothing here waits. The store's queues are bounded and count what they lose; a listener that reads too slowly loses
//! events, which are counted for it alone.

use std::rc::Rc;

use abi::{Fact, Generation, ModuleId, Record, Wall};
use protocol::files::config::settings::Logging;
use protocol::operator::{Event, JournalRow, LogLine as OperatorLine};
use serde_json::{Map, Value};
use store::{Admission, LogEntry, LogLine, Logs, Said, Scribe};

use crate::clock::wall_now;
use crate::door::outlet::Outlet;
use crate::run::{FrameTold, Frames, News, Observer, Presence, Way};
use crate::stream::{Stream, Told, Wanted};
use crate::translate::log_level;

/// Who follows what.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) outlet: Rc<Outlet>,
    pub(crate) wants: Wants,
}

/// What a follower wants.
#[derive(Debug)]
pub(crate) enum Wants {
    /// What of the numbered stream is wanted.
    Events(Wanted),
    /// Log lines that match.
    Logs(LogFilter),
}

/// Which log lines a follower wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogFilter {
    /// Of these modules; of all when empty.
    pub(crate) modules: Vec<ModuleId>,
    /// Only lines that hold this text.
    pub(crate) grep: Option<String>,
    /// Of this life only.
    pub(crate) generation: Option<Generation>,
}

impl LogFilter {
    fn matches(&self, entry: &LogEntry, line: &LogLine) -> bool {
        let module = self.modules.is_empty() || self.modules.contains(&entry.module);
        let life = self.generation.is_none_or(|wanted| wanted == entry.generation);
        let holds = |text: &str| {
            let texts = [Some(&line.msg), line.data.as_ref(), line.topic.as_ref()];
            texts.into_iter().flatten().any(|part| part.contains(text))
        };
        module && life && self.grep.as_deref().is_none_or(holds)
    }
}

/// The voices and the ears of one kernel.
pub(crate) struct Talk {
    pub(crate) logs: Logs,
    pub(crate) scribe: Scribe,
    pub(crate) followers: Vec<Follower>,
    pub(crate) stream: Stream,
    logging: Logging,
    observer: Observer,
    presence: Presence,
    frames: Frames,
}

impl std::fmt::Debug for Talk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Talk").field("followers", &self.followers.len()).finish_non_exhaustive()
    }
}

impl Talk {
    pub(crate) fn new(
        logs: Logs,
        scribe: Scribe,
        observer: Observer,
        presence: Presence,
        frames: Frames,
    ) -> Self {
        let stream = Stream::begin(wall_now(), std::process::id());
        let (followers, logging) = (Vec::new(), Logging::default());
        Self { logs, scribe, followers, stream, logging, observer, presence, frames }
    }

    /// Whether frames are to be told at all: what tells them costs a copy each.
    pub(crate) fn tells_frames(&self) -> bool {
        self.frames == Frames::Told
    }

    /// Tells a frame that passed a module's door.
    pub(crate) fn frame(&self, module: &ModuleId, generation: Generation, way: Way, line: &[u8]) {
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        let (ts_ms, module_id) = (wall_now().0, module.as_str().to_owned());
        self.tell(&News::Frame(FrameTold { ts_ms, module_id, generation: generation.0, way, line }));
    }

    /// From which level on lines are kept.
    pub(crate) fn set_logging(&mut self, logging: Logging) {
        self.logging = logging;
    }

    /// Tells whoever started this process.
    pub(crate) fn tell(&self, news: &News) {
        (self.observer)(news);
    }

    /// Hands a decision to the journal, before it is acted upon.
    pub(crate) fn record(&mut self, record: Record) {
        let wall = wall_now();
        let row = row_of(0, wall, &record);
        if self.presence == Presence::Foreground {
            self.tell(&News::Record(row.clone()));
        }
        let told = self.stream.record(record.module.as_ref(), record.code, Event::Record(row));
        self.hand_out(&told);
        if self.scribe.try_append(wall, record) == Admission::Lost {
            // The scribe counts it, and writes the count at the place where it is missing.
            tracing::debug!("a record found no room");
        }
    }

    fn hand_out(&self, told: &Told) {
        for follower in &self.followers {
            if let Wants::Events(wanted) = &follower.wants
                && wanted.takes(told)
            {
                follower.outlet.line(&told.line);
            }
        }
    }

    /// Whether a line of this level is kept for this module.
    fn wants_level(&self, module: &ModuleId, level: store::Level) -> bool {
        let least = self.logging.levels.get(module.as_str()).copied().unwrap_or(self.logging.level);
        level >= log_level(least)
    }

    /// Hands a line to the logs and to whoever follows them.
    pub(crate) fn say(&mut self, module: &ModuleId, generation: Generation, line: LogLine) -> Admission {
        if !self.wants_level(module, line.level) {
            return Admission::Queued;
        }
        let entry = LogEntry { module: module.clone(), generation, ts: wall_now(), said: Said::Line(line) };
        self.pass_on(&entry);
        self.logs.try_append(entry)
    }

    fn pass_on(&mut self, entry: &LogEntry) {
        let Said::Line(line) = &entry.said else { return };
        let hears =
            |follower: &&Follower| matches!(&follower.wants, Wants::Events(wanted) if wanted.hears_lines());
        let listeners = self.followers.iter().filter(hears).count();
        let event = || Event::Log(line_of(entry, line));
        if let Some(told) = self.stream.line(&entry.module, entry.ts, listeners, event) {
            self.hand_out(&told);
        }
        for follower in &self.followers {
            if let Wants::Logs(filter) = &follower.wants
                && filter.matches(entry, line)
            {
                follower.outlet.event(&Event::Log(line_of(entry, line)));
            }
        }
        if self.presence == Presence::Foreground {
            self.tell(&News::Log(line_of(entry, line)));
        }
    }

    /// Forgets followers that went away.
    pub(crate) fn drop_closed(&mut self) {
        self.followers.retain(|follower| !follower.outlet.is_closed());
    }

    /// Tells everybody who follows something that nothing more will come.
    pub(crate) fn end_all(&mut self, why: &str) {
        for follower in self.followers.drain(..) {
            follower.outlet.event(&Event::End(why.to_owned()));
        }
    }
}

/// A log entry's line as operators get it.
pub(crate) fn line_of(entry: &LogEntry, line: &LogLine) -> OperatorLine {
    OperatorLine {
        ts_ms: entry.ts.0,
        module_id: entry.module.to_string(),
        generation: entry.generation.0,
        level: line.level.as_str().to_owned(),
        source: line.source.as_str().to_owned(),
        msg: line.msg.clone(),
        data: line
            .data
            .as_ref()
            .map(|data| serde_json::from_str(data).unwrap_or_else(|_| Value::String(data.clone()))),
        topic: line.topic.clone(),
    }
}

/// A record as operators get it; `seq` is 0 for one that is not written yet.
pub(crate) fn row_of(seq: u64, wall: Wall, record: &Record) -> JournalRow {
    let facts = record.facts.iter().map(|(name, fact)| ((*name).to_owned(), fact_value(fact)));
    JournalRow {
        seq,
        ts_ms: wall.0,
        code: record.code.to_owned(),
        module_id: record.module.as_ref().map(ToString::to_string),
        generation: record.generation.map(|generation| generation.0),
        facts: facts.collect::<Map<_, _>>(),
    }
}

/// A journal entry as operators get it.
pub(crate) fn row_of_entry(entry: &store::Entry) -> JournalRow {
    let facts = entry.facts.iter().map(|(name, fact)| (name.clone(), fact_value(fact)));
    JournalRow {
        seq: entry.seq,
        ts_ms: entry.wall.0,
        code: entry.code.clone(),
        module_id: entry.module.as_ref().map(ToString::to_string),
        generation: entry.generation.map(|generation| generation.0),
        facts: facts.collect::<Map<_, _>>(),
    }
}

fn fact_value(fact: &Fact) -> Value {
    match fact {
        Fact::Number(number) => Value::from(*number),
        Fact::Text(text) => Value::from(text.as_str()),
    }
}
