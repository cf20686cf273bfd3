//! Following logs: whole lines that came since a place, and the new place.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use abi::ModuleId;

use super::entry::LogEntry;
use super::error::LogError;
use super::line::{self, LINE_BYTES_MAX};
use super::read::{LogPage, LogQuery, PAGE_BYTES_MAX, PAGE_LINES_MAX, PageEnd, bytes_of};
use super::shelf::{self, FileKey, ListedFile};

/// 4 MiB of all files together are looked at in one call, shared evenly, so that memory stays small and none starves.
const LOOKED_AT_BYTES: u64 = 4 << 20;

/// 16 KiB of one file at least, about a hundred lines.
const PIECE_BYTES_MIN: u64 = 16 << 10;

/// A place in every file of the modules that were looked at. Files that are not in it are new and read from their start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogCursor {
    offsets: BTreeMap<ModuleId, BTreeMap<FileKey, u64>>,
}

impl LogCursor {
    pub(super) fn set(&mut self, module: &ModuleId, key: FileKey, offset: u64) {
        match self.offsets.get_mut(module) {
            Some(files) => {
                files.insert(key, offset);
            }
            None => {
                self.offsets.insert(module.clone(), BTreeMap::from([(key, offset)]));
            }
        }
    }

    fn offset(&self, module: &ModuleId, key: FileKey) -> u64 {
        self.offsets.get(module).and_then(|files| files.get(&key)).copied().unwrap_or(0)
    }

    /// Forgets files that were dropped, so that the place does not grow with every life.
    fn keep_only(&mut self, module: &ModuleId, files: &[ListedFile]) {
        if let Some(offsets) = self.offsets.get_mut(module) {
            offsets.retain(|key, _| files.iter().any(|file| file.key == *key));
        }
    }
}

/// The lines that came since `cursor` and match, merged by time; the page holds the new place. Cheap when nothing came:
/// one listing of each module's folder. Half a line at the end of a file is left for the next time.
///
/// # Errors
/// `List` or `Read`, when a folder or file can't be read. Files that vanish meanwhile are no error.
pub fn follow_logs(logs: &Path, query: &LogQuery, cursor: &LogCursor) -> Result<LogPage, LogError> {
    let mut page =
        LogPage { entries: Vec::new(), unreadable: 0, end: PageEnd::Complete, cursor: cursor.clone() };
    let mut news = Vec::new();
    for module in query.modules(logs)? {
        let files = shelf::list(logs, &module)?;
        page.cursor.keep_only(&module, &files);
        for file in files.into_iter().filter(|file| query.wants_file(file)) {
            let offset = page.cursor.offset(&module, file.key);
            // Cut shorter than it was: somebody emptied it, so it begins anew.
            let offset = if offset > file.bytes { 0 } else { offset };
            page.cursor.set(&module, file.key, offset);
            if offset < file.bytes {
                news.push((module.clone(), file, offset));
            }
        }
    }
    let tails = read_tails(&news, query, &mut page)?;
    merge(tails, query.lines.min(PAGE_LINES_MAX), &mut page);
    Ok(page)
}

fn read_tails(
    news: &[(ModuleId, ListedFile, u64)],
    query: &LogQuery,
    page: &mut LogPage,
) -> Result<Vec<Tail>, LogError> {
    let piece_bytes = (LOOKED_AT_BYTES / (news.len() as u64).max(1)).max(PIECE_BYTES_MIN);
    let mut tails: Vec<Tail> = Vec::new();
    for (module, file, offset) in news {
        // The next part of a life must not come before the rest of this one.
        let waits = tails.last().is_some_and(|before| {
            before.more && before.module == *module && before.key.generation == file.key.generation
        });
        if waits {
            continue;
        }
        let tail = Tail::read(module, file, *offset, piece_bytes, query)?;
        if tail.more {
            page.end = PageEnd::Limit;
        }
        tails.push(tail);
    }
    Ok(tails)
}

/// The new lines of one file.
struct Tail {
    module: ModuleId,
    key: FileKey,
    /// What each line is, if it is wanted, and where it ends.
    lines: VecDeque<(Found, u64)>,
    /// Whether there is more than was read.
    more: bool,
}

enum Found {
    Wanted(LogEntry),
    Unwanted,
    Unreadable,
}

impl Tail {
    fn read(
        module: &ModuleId,
        file: &ListedFile,
        offset: u64,
        piece_bytes: u64,
        query: &LogQuery,
    ) -> Result<Self, LogError> {
        let fail = |source| LogError::Read { path: file.path.clone(), source };
        let left = file.bytes - offset;
        let mut bytes = read_at(&file.path, offset, left.min(piece_bytes)).map_err(fail)?;
        if !bytes.contains(&b'\n') && left > bytes.len() as u64 {
            bytes = read_at(&file.path, offset, left.min(LINE_BYTES_MAX as u64 + 1)).map_err(fail)?;
        }
        let mut lines = VecDeque::new();
        let mut at = 0;
        while let Some(length) = bytes[at..].iter().position(|byte| *byte == b'\n') {
            let found = match line::parse(module, &bytes[at..at + length]) {
                None => Found::Unreadable,
                Some(entry) if query.is_too_old(&entry) || !query.wants_text(&entry) => Found::Unwanted,
                Some(entry) => Found::Wanted(entry),
            };
            at += length + 1;
            lines.push_back((found, offset + at as u64));
        }
        if at == 0 && bytes.len() > LINE_BYTES_MAX {
            // Longer than any line that is written here: passed over, or nothing behind it would ever be read.
            at = bytes.len();
            lines.push_back((Found::Unreadable, offset + at as u64));
        }
        let more = left > bytes.len() as u64;
        Ok(Self { module: module.clone(), key: file.key, lines, more })
    }

    fn next_wall(&self) -> Option<u64> {
        self.lines.front().map(|(found, _)| match found {
            Found::Wanted(entry) => entry.ts.0,
            // What is not shown goes first, so that the cursor is past it.
            Found::Unwanted | Found::Unreadable => 0,
        })
    }
}

fn read_at(path: &Path, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    match File::open(path).and_then(|file| file.read_exact_at(&mut bytes, offset)) {
        Ok(()) => Ok(bytes),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Takes lines by time into the page, within its limits, and moves the cursor past what was taken.
fn merge(mut tails: Vec<Tail>, lines_max: usize, page: &mut LogPage) {
    let mut bytes = 0;
    loop {
        let earliest =
            tails.iter().enumerate().filter_map(|(index, tail)| Some((tail.next_wall()?, index))).min();
        let Some((_, index)) = earliest else { return };
        let tail = &mut tails[index];
        let Some((found, ends_at)) = tail.lines.pop_front() else { return };
        match found {
            Found::Unwanted => {}
            Found::Unreadable => page.unreadable += 1,
            Found::Wanted(entry) => {
                bytes += bytes_of(&entry);
                if page.entries.len() == lines_max || bytes > PAGE_BYTES_MAX {
                    page.end = PageEnd::Limit;
                    return;
                }
                page.entries.push(entry);
            }
        }
        page.cursor.set(&tail.module, tail.key, ends_at);
    }
}

#[cfg(test)]
mod tests;
