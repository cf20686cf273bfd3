//! What a module said, and when: one line of its log.

use std::fmt;

use abi::{Generation, ModuleId, Wall};

/// How grave a line is, in the module door's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step.
    Trace,
    /// For whoever looks for a mistake.
    Debug,
    /// The usual course.
    Info,
    /// Handled, worth a look.
    Warn,
    /// Somebody must act.
    Error,
    /// The module can't go on.
    Fatal,
}

impl Level {
    /// All levels, the least grave first.
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// The level's word in files and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The level of a word; nothing for any other word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// By which way a line came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The module's stdout, and not a message of the door.
    Stdout,
    /// The module's stderr.
    Stderr,
    /// A `log` message of the door.
    Log,
    /// The kernel says it about the module.
    Kernel,
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 4] = [Self::Stdout, Self::Stderr, Self::Log, Self::Kernel];

    /// The source's word in files and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Log => "log",
            Self::Kernel => "kernel",
        }
    }

    /// The source of a word; nothing for any other word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What was said. Its `Debug` form leaves out the text, which is the module's own.
#[derive(Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How grave it is.
    pub level: Level,
    /// By which way it came.
    pub source: Source,
    /// The text; past 64 KiB its end is cut off.
    pub msg: String,
    /// A JSON text that belongs to it; past 64 KiB it is left out, and what is no JSON is kept as a string.
    pub data: Option<String>,
    /// The topic it is about; past 1 KiB its end is cut off.
    pub topic: Option<String>,
}

impl LogLine {
    /// A text without data or topic.
    pub fn new(level: Level, source: Source, msg: impl Into<String>) -> Self {
        Self { level, source, msg: msg.into(), data: None, topic: None }
    }
}

impl fmt::Debug for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLine")
            .field("level", &self.level)
            .field("source", &self.source)
            .field("msg_bytes", &self.msg.len())
            .field("data_bytes", &self.data.as_ref().map(String::len))
            .finish_non_exhaustive()
    }
}

/// A line, or the place where lines are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A line.
    Line(LogLine),
    /// So many lines were lost here: they came faster than they could be written.
    Lost(u64),
}

/// One entry of a module's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Who said it.
    pub module: ModuleId,
    /// In which life.
    pub generation: Generation,
    /// When it was read from the module.
    pub ts: Wall,
    /// What was said.
    pub said: Said,
}
