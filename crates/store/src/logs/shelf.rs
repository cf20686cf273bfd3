//! Where log files stand: `logs/<module>/<generation>.jsonl`, then `<generation>.1.jsonl`, `<generation>.2.jsonl` and so
//! on as they fill. No file is ever renamed, so that a reader's offset in a file stays true.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use abi::limits::MODULES_MAX;
use abi::{Generation, ModuleId};

use super::LogLimits;
use super::error::LogError;

/// 1,024 files in one module's folder are looked at: far more than the limits leave there.
const FILES_LISTED_MAX: usize = 1024;

/// Which file of a module: the life, and its how-manieth file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FileKey {
    pub(super) generation: Generation,
    pub(super) part: u32,
}

impl FileKey {
    pub(super) fn name(self) -> String {
        match self.part {
            0 => format!("{}.jsonl", self.generation),
            part => format!("{}.{part}.jsonl", self.generation),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".jsonl")?;
        let key = match stem.split_once('.') {
            None => Self { generation: Generation(stem.parse().ok()?), part: 0 },
            Some((generation, part)) => {
                Self { generation: Generation(generation.parse().ok()?), part: part.parse().ok()? }
            }
        };
        // `007.jsonl` and `7.0.jsonl` are nobody's.
        (key.name() == name).then_some(key)
    }
}

/// A log file as it was when the folder was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedFile {
    pub(super) key: FileKey,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// When it was last written, in milliseconds since the Unix epoch.
    pub(super) modified_ms: u64,
}

/// The files of one module, in the order of their keys; none when there is no folder.
pub(super) fn list(logs: &Path, module: &ModuleId) -> Result<Vec<ListedFile>, LogError> {
    let folder = logs.join(module.as_str());
    let fail = |source| LogError::List { path: folder.clone(), source };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut files = Vec::new();
    for entry in entries.take(FILES_LISTED_MAX) {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let Some(key) = name.to_str().and_then(FileKey::parse) else { continue };
        // A file may be dropped for age between being named and being looked at.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() {
            files.push(ListedFile {
                key,
                path: entry.path(),
                bytes: metadata.len(),
                modified_ms: modified_ms(&metadata),
            });
        }
    }
    files.sort_unstable_by_key(|file| file.key);
    Ok(files)
}

fn modified_ms(metadata: &Metadata) -> u64 {
    let since_epoch = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since_epoch.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// The modules that have a folder, sorted.
pub(super) fn modules(logs: &Path) -> Result<Vec<ModuleId>, LogError> {
    let fail = |source| LogError::List { path: logs.to_owned(), source };
    let entries = match fs::read_dir(logs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut modules: Vec<ModuleId> = entries
        .flatten()
        // The kernel's own output may lie beside them as a file.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| ModuleId::parse(entry.file_name().to_str()?).ok())
        .take(MODULES_MAX)
        .collect();
    modules.sort_unstable();
    Ok(modules)
}

/// The files to drop so that the limits hold with `current` being filled up; never `current` itself.
pub(super) fn to_drop(files: &[ListedFile], current: FileKey, limits: LogLimits) -> Vec<PathBuf> {
    let mut ages: BTreeMap<Generation, u64> = BTreeMap::new();
    for file in files {
        let age = ages.entry(file.key.generation).or_default();
        *age = file.modified_ms.max(*age);
    }
    // Numbers may start anew with another kernel, so the time of the last line tells which life is the oldest.
    let mut generations: Vec<Generation> =
        ages.keys().copied().filter(|found| *found != current.generation).collect();
    generations.sort_unstable_by_key(|found| (ages.get(found).copied(), *found));
    generations.push(current.generation);
    let surplus = generations.len().saturating_sub(limits.generations_max.max(1));
    let closed_bytes_max = limits.file_bytes_max.saturating_mul(u64::from(limits.files_max.max(1) - 1));
    let mut closed_bytes: u64 = 0;
    let mut dropped = Vec::new();
    // From the newest file back: what no longer fits, and everything before it, goes.
    for (rank, generation) in generations.iter().enumerate().rev() {
        let parts =
            files.iter().rev().filter(|file| file.key.generation == *generation && file.key != current);
        for file in parts {
            closed_bytes = closed_bytes.saturating_add(file.bytes);
            if rank < surplus || closed_bytes > closed_bytes_max {
                dropped.push(file.path.clone());
            }
        }
    }
    dropped
}

#[cfg(test)]
mod tests;
