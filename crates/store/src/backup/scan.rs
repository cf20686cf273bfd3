//! What is in a home's folders now, by names and marks alone; no file is opened.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::catalogue::{FILES_MAX, Stamp};
use super::error::BackupError;
use super::record::Skipped;

/// 64 folders below each other: deeper ones are no files of a module, and a walk must end.
const DEPTH_MAX: usize = 64;

/// What was seen in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File(Stamp),
    Link(PathBuf),
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// From the root.
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    pub(super) modified_ns: i64,
    pub(super) kind: Kind,
}

/// The marks of a file, and no other thing's.
pub(super) fn stamp_of(found: &Metadata) -> Stamp {
    Stamp {
        bytes: found.len(),
        modified_ns: nanoseconds(found.mtime(), found.mtime_nsec()),
        changed_ns: nanoseconds(found.ctime(), found.ctime_nsec()),
        inode: found.ino(),
        device: found.dev(),
    }
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// All that is below these places of a root, sorted; what is below a place of `without` is left out. Sockets, pipes and
/// devices are passed over, since they hold nothing.
pub(super) fn scan(
    root: &Path,
    places: &[PathBuf],
    without: &[PathBuf],
    skipped: &mut Skipped,
) -> Result<Vec<Seen>, BackupError> {
    let mut walk = Walk { root, without, skipped, seen: Vec::new() };
    for place in places {
        match fs::symlink_metadata(root.join(place)) {
            Ok(found) => walk.place(place.clone(), &found, 0)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => walk.skipped.add(place, &error.to_string()),
        }
    }
    let mut seen = walk.seen;
    // By their bytes: comparing paths part by part takes ten times as long.
    seen.sort_unstable_by(|one, other| one.path.as_os_str().cmp(other.path.as_os_str()));
    seen.dedup_by(|one, other| one.path.as_os_str() == other.path.as_os_str());
    Ok(seen)
}

struct Walk<'a> {
    root: &'a Path,
    without: &'a [PathBuf],
    skipped: &'a mut Skipped,
    seen: Vec<Seen>,
}

impl Walk<'_> {
    fn place(&mut self, path: PathBuf, found: &Metadata, depth: usize) -> Result<(), BackupError> {
        if self.without.contains(&path) {
            return Ok(());
        }
        let kind = if found.is_dir() {
            Kind::Folder
        } else if found.is_file() {
            Kind::File(stamp_of(found))
        } else if found.is_symlink() {
            match fs::read_link(self.root.join(&path)) {
                Ok(to) => Kind::Link(to),
                Err(error) => {
                    self.skipped.add(&path, &error.to_string());
                    return Ok(());
                }
            }
        } else {
            return Ok(());
        };
        if self.seen.len() >= FILES_MAX {
            return Err(BackupError::TooMany { what: "files", max: FILES_MAX });
        }
        let is_folder = kind == Kind::Folder;
        let modified_ns = nanoseconds(found.mtime(), found.mtime_nsec());
        self.seen.push(Seen { path: path.clone(), mode: found.mode() & 0o7777, modified_ns, kind });
        if is_folder { self.folder(&path, depth + 1) } else { Ok(()) }
    }

    fn folder(&mut self, path: &Path, depth: usize) -> Result<(), BackupError> {
        if depth > DEPTH_MAX {
            self.skipped.add(path, "it lies too deep");
            return Ok(());
        }
        let entries = match fs::read_dir(self.root.join(path)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.skipped.add(path, &error.to_string());
                return Ok(());
            }
        };
        for entry in entries {
            let entry = entry.map_err(BackupError::disk("read the folder", &self.root.join(path)))?;
            let path = path.join(entry.file_name());
            match entry.metadata() {
                Ok(found) => self.place(path, &found, depth)?,
                // It went while the folder was read: as if it had gone before.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.skipped.add(&path, &error.to_string()),
            }
        }
        Ok(())
    }
}
