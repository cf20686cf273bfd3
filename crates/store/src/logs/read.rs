//! Reading logs: the last lines of one or many modules, merged by time, from the end backwards.
//!
//! Every life of every module is a stream of its own, since lives may overlap: the last words of a dying process come
//! while its successor already speaks. A stream is opened only when its file's last change says that it may hold the
//! next line.

use std::collections::VecDeque;
use std::path::Path;

use abi::{Generation, ModuleId, Wall};

use super::backwards::{Backwards, end_of_lines};
use super::entry::{LogEntry, Said};
use super::error::LogError;
use super::follow::LogCursor;
use super::line;
use super::shelf::{self, ListedFile};

/// 10,000 lines in one page; who wants more asks for less at a time.
pub(super) const PAGE_LINES_MAX: usize = 10_000;

/// 4 MiB of text in one page: the host's memory stays small whatever the lines hold.
pub(super) const PAGE_BYTES_MAX: usize = 4 << 20;

/// Whether capital letters matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They do.
    Exact,
    /// They don't.
    Any,
}

/// A text that a line must hold, in its message, data or topic. No pattern, the plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Grep {
    /// Lower case when capital letters don't matter.
    text: String,
    case: Case,
}

impl Grep {
    /// Looks for `text`.
    pub fn new(text: &str, case: Case) -> Self {
        let text = match case {
            Case::Exact => text.to_owned(),
            Case::Any => text.to_lowercase(),
        };
        Self { text, case }
    }

    fn finds(&self, text: &str) -> bool {
        match self.case {
            Case::Exact => text.contains(&self.text),
            Case::Any => text.to_lowercase().contains(&self.text),
        }
    }
}

impl std::fmt::Debug for Grep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What somebody looks for may be a secret that leaked into a log.
        f.debug_struct("Grep").field("case", &self.case).finish_non_exhaustive()
    }
}

/// Which lines are wanted; every part that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Of these modules; empty: of all that have a log.
    pub modules: Vec<ModuleId>,
    /// At most so many, the last ones, and never more than 10,000.
    pub lines: usize,
    /// Only of this moment and later. Where the clock jumped back, older lines before the jump are not looked for.
    pub since: Option<Wall>,
    /// Only lines that hold a text; where lines were lost is shown all the same.
    pub grep: Option<Grep>,
    /// Only of this life.
    pub generation: Option<Generation>,
}

impl LogQuery {
    /// The last `lines` lines of all modules.
    pub fn last(lines: usize) -> Self {
        Self { modules: Vec::new(), lines, since: None, grep: None, generation: None }
    }

    pub(super) fn modules(&self, logs: &Path) -> Result<Vec<ModuleId>, LogError> {
        if self.modules.is_empty() {
            return shelf::modules(logs);
        }
        let mut modules = self.modules.clone();
        modules.sort_unstable();
        modules.dedup();
        Ok(modules)
    }

    pub(super) fn wants_file(&self, file: &ListedFile) -> bool {
        self.generation.is_none_or(|wanted| wanted == file.key.generation)
    }

    pub(super) fn is_too_old(&self, entry: &LogEntry) -> bool {
        self.since.is_some_and(|since| entry.ts < since)
    }

    pub(super) fn wants_text(&self, entry: &LogEntry) -> bool {
        let (Some(grep), Said::Line(line)) = (&self.grep, &entry.said) else { return true };
        let texts = [Some(&line.msg), line.data.as_ref(), line.topic.as_ref()];
        texts.into_iter().flatten().any(|text| grep.finds(text))
    }
}

/// Whether there is more than the page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEnd {
    /// That is all.
    Complete,
    /// The limit on lines or bytes was reached.
    Limit,
}

/// Lines in the order of time, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The lines.
    pub entries: Vec<LogEntry>,
    /// How many lines were passed over because they are none that were written here.
    pub unreadable: u64,
    /// Whether there are more.
    pub end: PageEnd,
    /// The place behind everything that was there when reading began, for `follow_logs`.
    pub cursor: LogCursor,
}

/// The last lines that match, in the order of time. Looks at files only, and may take long when a rare text is looked
/// for in much log: don't call it where nothing may wait.
///
/// # Errors
/// `List` or `Read`, when a folder or file can't be read. Files that vanish meanwhile are no error.
pub fn read_logs(logs: &Path, query: &LogQuery) -> Result<LogPage, LogError> {
    let mut cursor = LogCursor::default();
    let mut streams = Vec::new();
    for module in query.modules(logs)? {
        let files = shelf::list(logs, &module)?;
        let mut ended = Vec::with_capacity(files.len());
        for file in files {
            let end = end_of_lines(&file.path, file.bytes)
                .map_err(|source| LogError::Read { path: file.path.clone(), source })?;
            cursor.set(&module, file.key, end);
            if query.wants_file(&file) {
                ended.push(ListedFile { bytes: end, ..file });
            }
        }
        for life in ended.chunk_by(|one, next| one.key.generation == next.key.generation) {
            streams.push(Stream::new(module.clone(), life.to_vec()));
        }
    }
    let mut merge = Merge { query, streams, unreadable: 0 };
    let (entries, end) = merge.last_entries()?;
    Ok(LogPage { entries, unreadable: merge.unreadable, end, cursor })
}

/// One life of one module, from its last line backwards.
struct Stream {
    module: ModuleId,
    /// The files not yet begun, the oldest first.
    files: Vec<ListedFile>,
    open: Option<Backwards>,
    next: Option<LogEntry>,
}

impl Stream {
    fn new(module: ModuleId, files: Vec<ListedFile>) -> Self {
        Self { module, files, open: None, next: None }
    }

    /// No line that is still to come is later than this; nothing when none is to come.
    fn not_later_than(&self) -> Option<u64> {
        if let Some(next) = &self.next {
            return Some(next.ts.0);
        }
        // A line is written after it was read, so a file's last change is not before its last line.
        self.files.iter().map(|file| file.modified_ms).max()
    }
}

struct Merge<'a> {
    query: &'a LogQuery,
    streams: Vec<Stream>,
    unreadable: u64,
}

impl Merge<'_> {
    fn last_entries(&mut self) -> Result<(Vec<LogEntry>, PageEnd), LogError> {
        let lines_max = self.query.lines.min(PAGE_LINES_MAX);
        let mut found = VecDeque::new();
        let mut bytes = 0;
        while let Some(entry) = self.take_latest()? {
            bytes += bytes_of(&entry);
            if found.len() == lines_max || bytes > PAGE_BYTES_MAX {
                return Ok((found.into(), PageEnd::Limit));
            }
            found.push_front(entry);
        }
        Ok((found.into(), PageEnd::Complete))
    }

    /// The latest line of all streams.
    fn take_latest(&mut self) -> Result<Option<LogEntry>, LogError> {
        loop {
            let latest = self
                .streams
                .iter()
                .enumerate()
                .filter_map(|(index, stream)| Some((stream.not_later_than()?, index)))
                .max();
            let Some((_, index)) = latest else { return Ok(None) };
            let stream = &mut self.streams[index];
            match stream.next.take() {
                Some(entry) => {
                    fill(stream, self.query, &mut self.unreadable)?;
                    return Ok(Some(entry));
                }
                // It was only known how late it may be; now it is known how late it is.
                None => fill(stream, self.query, &mut self.unreadable)?,
            }
        }
    }
}

/// Looks for the stream's next line that matches, or empties the stream.
fn fill(stream: &mut Stream, query: &LogQuery, unreadable: &mut u64) -> Result<(), LogError> {
    loop {
        let Some(open) = &mut stream.open else {
            let Some(file) = stream.files.pop() else { return Ok(()) };
            stream.open = Some(Backwards::new(file.path, file.bytes));
            continue;
        };
        let line =
            open.next_line().map_err(|source| LogError::Read { path: open.path().to_owned(), source })?;
        let Some(line) = line else {
            stream.open = None;
            continue;
        };
        match line::parse(&stream.module, &line) {
            None => *unreadable += 1,
            Some(entry) if query.is_too_old(&entry) => {
                stream.open = None;
                stream.files.clear();
                return Ok(());
            }
            Some(entry) if query.wants_text(&entry) => {
                stream.next = Some(entry);
                return Ok(());
            }
            Some(_) => {}
        }
    }
}

pub(super) fn bytes_of(entry: &LogEntry) -> usize {
    match &entry.said {
        Said::Lost(_) => size_of::<LogEntry>(),
        Said::Line(line) => {
            size_of::<LogEntry>() + line.msg.len() + line.data.as_ref().map_or(0, String::len)
        }
    }
}

#[cfg(test)]
mod tests;
