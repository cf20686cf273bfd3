//! The open log files: lines go to the end of the newest file of their life, a full file is followed by the next, and
//! what is too old or too much is dropped.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use abi::{Generation, ModuleId};

use super::LogLimits;
use super::error::LogError;
use super::shelf::{self, FileKey};

/// 64 files are held open at once: enough that the usual machine never opens one twice, few enough for any file limit.
const OPEN_FILES_MAX: usize = 64;

/// The rights of log files: modules may say what is not for everybody.
const FILE_MODE: u32 = 0o600;

/// The rights of log folders.
const FOLDER_MODE: u32 = 0o700;

/// One life of one module: what a log file belongs to.
pub(super) type Life = (ModuleId, Generation);

/// The writer of all log files under one folder.
#[derive(Debug)]
pub(super) struct Writer {
    logs: PathBuf,
    limits: LogLimits,
    open: BTreeMap<Life, OpenFile>,
    /// Counts uses, to find the file that was not used for the longest time.
    uses: u64,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    path: PathBuf,
    key: FileKey,
    bytes: u64,
    used: u64,
}

impl Writer {
    pub(super) fn new(logs: PathBuf, limits: LogLimits) -> Self {
        Self { logs, limits, open: BTreeMap::new(), uses: 0 }
    }

    /// Writes whole lines, and removes from `lines` what was written, also when an error ends it.
    pub(super) fn write(&mut self, life: &Life, lines: &mut Vec<u8>) -> Result<(), LogError> {
        let mut done = 0;
        let mut result = Ok(());
        while done < lines.len() && result.is_ok() {
            let (written, ended) = self.write_some(life, &lines[done..]);
            done += written;
            result = ended;
        }
        lines.drain(..done);
        result
    }

    /// Writes what fits the current file; gives how many bytes of whole lines that were.
    fn write_some(&mut self, life: &Life, lines: &[u8]) -> (usize, Result<(), LogError>) {
        let file_bytes_max = self.limits.file_bytes_max;
        let current = match self.current(life) {
            Ok(current) => current,
            Err(error) => return (0, Err(error)),
        };
        let room = usize::try_from(file_bytes_max.saturating_sub(current.bytes)).unwrap_or(usize::MAX);
        let chunk = whole_lines(lines, room);
        if chunk.is_empty() && current.bytes > 0 {
            return (0, self.turn_over(life));
        }
        // A line longer than a whole file gets a file of its own.
        let chunk = if chunk.is_empty() { first_line(lines) } else { chunk };
        let (written, ended) = current.append(chunk);
        if ended.is_err() {
            self.open.remove(life);
        }
        (written, ended)
    }

    /// The newest file of a life, opened if it is not, or if somebody removed it.
    fn current(&mut self, life: &Life) -> Result<&mut OpenFile, LogError> {
        if self.open.get(life).is_some_and(OpenFile::is_removed) {
            self.open.remove(life);
        }
        if !self.open.contains_key(life) {
            let files = shelf::list(&self.logs, &life.0)?;
            let part = files.iter().map(|file| file.key).filter(|key| key.generation == life.1).max();
            self.open_file(life, part.unwrap_or(FileKey { generation: life.1, part: 0 }))?;
        }
        self.uses += 1;
        let uses = self.uses;
        let current = self.open.get_mut(life).expect("it was open or has just been opened");
        current.used = uses;
        Ok(current)
    }

    /// Leaves a full file and begins the next.
    fn turn_over(&mut self, life: &Life) -> Result<(), LogError> {
        let Some(full) = self.open.remove(life) else { return Ok(()) };
        let next = FileKey { part: full.key.part.saturating_add(1), ..full.key };
        self.open_file(life, next)
    }

    fn open_file(&mut self, life: &Life, key: FileKey) -> Result<(), LogError> {
        if self.open.len() >= OPEN_FILES_MAX {
            self.close_least_used();
        }
        let folder = self.logs.join(life.0.as_str());
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&folder)
            .map_err(|source| LogError::Folder { path: folder.clone(), source })?;
        let opened = OpenFile::open(folder.join(key.name()), key)?;
        if opened.bytes == 0 {
            self.drop_surplus(&life.0, key);
        }
        self.open.insert(life.clone(), opened);
        Ok(())
    }

    fn close_least_used(&mut self) {
        let least = self.open.iter().min_by_key(|(_, file)| file.used).map(|(life, _)| life.clone());
        if let Some(life) = least {
            self.open.remove(&life);
        }
    }

    /// Drops what the limits no longer allow. What can't be dropped now is tried again with the next file.
    fn drop_surplus(&self, module: &ModuleId, current: FileKey) {
        let Ok(files) = shelf::list(&self.logs, module) else { return };
        for path in shelf::to_drop(&files, current, self.limits) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(module = %module, path = %path.display(), %error, "old log file can't be dropped");
            }
        }
    }
}

impl OpenFile {
    fn open(path: PathBuf, key: FileKey) -> Result<Self, LogError> {
        let fail = |source| LogError::Open { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(fail)?;
        let mut bytes = file.metadata().map_err(fail)?.len();
        if bytes > 0 {
            let mut last = [0];
            file.read_exact_at(&mut last, bytes - 1).map_err(fail)?;
            if last != *b"\n" {
                // Whoever wrote it was killed in the middle of a line; the next one must not be glued to it.
                file.write_all(b"\n").map_err(fail)?;
                bytes += 1;
            }
        }
        Ok(Self { file, path, key, bytes, used: 0 })
    }

    /// Appends lines; gives how many bytes of whole lines are in the file, whatever happened.
    fn append(&mut self, lines: &[u8]) -> (usize, Result<(), LogError>) {
        let (written, error) = write_all_or_count(&mut self.file, lines);
        let Some(source) = error else {
            self.bytes += written as u64;
            return (written, Ok(()));
        };
        let whole = whole_lines(lines, written).len();
        // Half a line must not stay before what will be written later. If even that fails, opening the file again
        // ends the half line.
        let _ = self.file.set_len(self.bytes + whole as u64);
        (whole, Err(LogError::Write { path: self.path.clone(), source }))
    }

    /// Whether somebody removed the file, so that what is written to it would be gone.
    fn is_removed(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }
}

fn write_all_or_count(file: &mut File, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Some(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}

/// The whole lines within the first `bytes_max` bytes.
fn whole_lines(lines: &[u8], bytes_max: usize) -> &[u8] {
    let reach = &lines[..bytes_max.min(lines.len())];
    let end = reach.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &reach[..end]
}

fn first_line(lines: &[u8]) -> &[u8] {
    let end = lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| at + 1);
    &lines[..end]
}

#[cfg(test)]
mod tests;
