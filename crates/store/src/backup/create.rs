//! Making a backup: what changed is read and stored, the lists after it, the record last.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use abi::Wall;
use update::ChunkId;

use super::catalogue::{self, Content, Listed, Stamp, bytes_of};
use super::error::BackupError;
use super::record::{Backup, Part, Skipped};
use super::scan::{Kind, Seen, scan, stamp_of};
use super::shelf::Backups;
use crate::depot::{Depot, Holding, Intake, Stocked};

/// 2 s: the coarsest clock of a file system (FAT). What changed so shortly before it was read may change again without
/// any of its marks moving.
const SETTLED_AFTER_NS: i64 = 2_000_000_000;

/// 3 times: a file that changes while it is read is read again so often, and taken as it is then.
const READS_MAX: usize = 3;

/// One component: what is to be backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `kernel`, or `module/<id>`.
    pub component: String,
    /// Files and folders, from the root.
    pub places: Vec<PathBuf>,
    /// What is left out of them, from the root.
    pub without: Vec<PathBuf>,
}

/// Whether a file's marks are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// What has the marks of the last backup is not read.
    Marks,
    /// Every file is read.
    Nothing,
}

/// What making a backup came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The backup.
    pub backup: Backup,
    /// What it stored.
    pub stocked: Stocked,
}

impl Backups {
    /// Backs up these components of the home at `root` at this time. Once it returns, the backup is durable.
    ///
    /// # Errors
    /// `BackupError`: there is no new backup then, and the old ones are as they were. Single files that can't be read
    /// are no error; they are named in the parts.
    pub fn create(
        &mut self,
        (now, label): (Wall, Option<String>),
        root: &Path,
        sources: &[Source],
        trust: Trust,
    ) -> Result<Made, BackupError> {
        let all = self.all()?;
        for folder in [self.folder(), self.last_folder()] {
            self.disk.make_folder(&folder).map_err(BackupError::disk("make the folder", &folder))?;
        }
        let mut stocked = Stocked::default();
        let mut parts = Vec::new();
        for source in sources {
            let old = Self::newest_part(&all, &source.component);
            let (part, more) = self.part(now, root, source, old, trust)?;
            stocked = Stocked {
                chunks: stocked.chunks + more.chunks,
                bytes: stocked.bytes + more.bytes,
                bales: stocked.bales + more.bales,
            };
            parts.push(part);
        }
        parts.sort_by(|one, other| one.component.cmp(&other.component));
        parts.dedup_by(|one, other| one.component == other.component);
        let number = all.last().map_or(0, |backup| backup.number) + 1;
        let backup = Backup { number, at: now, label, parts };
        self.write_record(&backup)?;
        Ok(Made { backup, stocked })
    }

    /// One component.
    fn part(
        &mut self,
        now: Wall,
        root: &Path,
        source: &Source,
        old: Option<(u64, &Part)>,
        trust: Trust,
    ) -> Result<(Part, Stocked), BackupError> {
        let mut skipped = Skipped::default();
        let seen = scan(root, &source.places, &source.without, &mut skipped)?;
        let known = self.known(old, trust)?;
        if let (Some((_, part)), Known::Sound(files)) = (old, &known)
            && is_same(files, &seen)
            && skipped == part.skipped
            && source.places == part.places
        {
            return Ok((Part { files_read: 0, ..part.clone() }, Stocked::default()));
        }
        let meter = self.meter.clone();
        meter.expect(seen.iter().map(bytes_seen).sum());
        self.depot()?;
        let is_damaged = self.depot_found.as_ref().is_some_and(|found| !found.damaged.is_empty());
        let known = if is_damaged { known.doubted() } else { known };
        let depot = self.depot()?;
        let mut known = known.into_files(depot)?.into_iter().peekable();
        let mut taking = Taking { now, root, intake: depot.intake(), read: 0, skipped };
        let mut files = Vec::with_capacity(seen.len());
        for place in seen {
            while known.next_if(|file| file.path.as_os_str() < place.path.as_os_str()).is_some() {}
            let before = known.next_if(|file| file.path.as_os_str() == place.path.as_os_str());
            let bytes = bytes_seen(&place);
            files.extend(taking.listed(place, before)?);
            meter.add(bytes);
        }
        let (text, read, skipped) = (catalogue::to_bytes(&files), taking.read, taking.skipped);
        let mut intake = taking.intake;
        let list = intake.take(&mut text.as_slice())?.file;
        let stocked = intake.finish()?;
        self.keep_cached(&source.component, &text);
        let bytes = files.iter().map(bytes_of).sum();
        let count = files.iter().filter(|file| matches!(file.content, Content::File(_))).count() as u64;
        let part = Part {
            component: source.component.clone(),
            places: source.places.clone(),
            list,
            list_hash: ChunkId::of(&text),
            files: count,
            bytes,
            files_read: read,
            skipped,
        };
        Ok((part, stocked))
    }

    /// What the last backup of a component knows of its files.
    fn known(&mut self, old: Option<(u64, &Part)>, trust: Trust) -> Result<Known, BackupError> {
        let (Some((number, part)), Trust::Marks) = (old, trust) else { return Ok(Known::Nothing) };
        if let Some(files) = self.cached(part) {
            return Ok(Known::Sound(files));
        }
        match self.stored_list(number, part) {
            Ok(files) => Ok(Known::InDoubt(files)),
            // What is lost of the last backup is read and stored again; `verify` tells of it.
            Err(BackupError::List { .. } | BackupError::Depot(_)) => Ok(Known::Nothing),
            Err(error) => Err(error),
        }
    }
}

/// What is known of files from the last backup.
enum Known {
    Nothing,
    /// All chunks were there when it was last looked.
    Sound(Vec<Listed>),
    /// A verification took the copy of the list away: chunks may be missing.
    InDoubt(Vec<Listed>),
}

impl Known {
    fn doubted(self) -> Self {
        match self {
            Self::Sound(files) => Self::InDoubt(files),
            other => other,
        }
    }

    /// The files, those without all of their chunks left out.
    fn into_files(self, depot: &mut Depot) -> Result<Vec<Listed>, BackupError> {
        let files = match self {
            Self::Nothing => return Ok(Vec::new()),
            Self::Sound(files) => return Ok(files),
            Self::InDoubt(files) => files,
        };
        let mut kept = Vec::with_capacity(files.len());
        for file in files {
            let is_there = match &file.content {
                Content::File(content) => depot.holds(content).is_ok_and(|holding| holding == Holding::Whole),
                Content::Folder | Content::Link(_) => true,
            };
            if is_there {
                kept.push(file);
            }
        }
        Ok(kept)
    }
}

/// Whether the places are just those of the list, each with its marks.
fn is_same(files: &[Listed], seen: &[Seen]) -> bool {
    let is_pair = |(file, place): (&Listed, &Seen)| {
        file.mode == place.mode
            && file.modified_ns == place.modified_ns
            && match (&file.content, &place.kind) {
                (Content::Folder, Kind::Folder) => true,
                (Content::File(_), Kind::File(stamp)) => file.stamp == Some(*stamp),
                (Content::Link(one), Kind::Link(other)) => one == other,
                (Content::Folder | Content::File(_) | Content::Link(_), _) => false,
            }
            && file.path.as_os_str() == place.path.as_os_str()
    };
    files.len() == seen.len() && files.iter().zip(seen).all(is_pair)
}

/// What a place holds, as far as its marks say.
fn bytes_seen(place: &Seen) -> u64 {
    match place.kind {
        Kind::File(stamp) => stamp.bytes,
        Kind::Folder | Kind::Link(_) => 0,
    }
}

/// Files on their way into the depot.
struct Taking<'a, 'depot> {
    now: Wall,
    root: &'a Path,
    intake: Intake<'depot>,
    read: u64,
    skipped: Skipped,
}

impl Taking<'_, '_> {
    /// The entry of one place; nothing when it is gone or can't be read.
    fn listed(&mut self, place: Seen, before: Option<Listed>) -> Result<Option<Listed>, BackupError> {
        let Seen { path, mode, modified_ns, kind } = place;
        let plain = |content| Listed { path: path.clone(), mode, modified_ns, content, stamp: None };
        let stamp = match kind {
            Kind::Folder => return Ok(Some(plain(Content::Folder))),
            Kind::Link(to) => return Ok(Some(plain(Content::Link(to)))),
            Kind::File(stamp) => stamp,
        };
        if let Some(before) = before
            && before.stamp == Some(stamp)
        {
            return Ok(Some(Listed { mode, ..before }));
        }
        match self.read(&path) {
            Ok(Some((content, stamp))) => {
                let modified_ns = stamp.modified_ns;
                let stamp = self.is_settled(&stamp).then_some(stamp);
                Ok(Some(Listed { path, mode, modified_ns, content, stamp }))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a later change would move the marks.
    fn is_settled(&self, stamp: &Stamp) -> bool {
        let now = i64::try_from(self.now.0).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        // A clock that was set back makes a change lie in the future.
        stamp.changed_ns.max(stamp.modified_ns).saturating_add(SETTLED_AFTER_NS) <= now
    }

    /// Reads a file until it stays the same meanwhile.
    fn read(&mut self, path: &Path) -> Result<Option<(Content, Stamp)>, BackupError> {
        let place = self.root.join(path);
        let mut last = None;
        for _ in 0..READS_MAX {
            let (mut file, before) = match open(&place) {
                Ok(Some(opened)) => opened,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.skipped.add(path, &error.to_string());
                    return Ok(None);
                }
            };
            let taken = match self.intake.take(&mut file) {
                Ok(taken) => taken,
                Err(crate::DepotError::Source(error)) => {
                    self.skipped.add(path, &error.to_string());
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            };
            self.read += 1;
            let after = file.metadata().map(|found| stamp_of(&found)).unwrap_or(before);
            let is_whole = before == after && taken.file.bytes == after.bytes;
            if is_whole {
                return Ok(Some((Content::File(taken.file), after)));
            }
            last = Some((taken.file, after));
        }
        self.skipped.add(path, "it changed each time it was read, and was taken as it was last");
        // Without its marks it is read again next time.
        Ok(last.map(|(file, stamp)| (Content::File(file), Stamp { changed_ns: i64::MAX, ..stamp })))
    }
}

/// A plain file and its marks; nothing when it is gone or became something else.
fn open(place: &Path) -> io::Result<Option<(File, Stamp)>> {
    let is_file = match fs::symlink_metadata(place) {
        Ok(found) => found.is_file(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    if !is_file {
        return Ok(None);
    }
    let file = File::open(place)?;
    let found = file.metadata()?;
    Ok(found.is_file().then(|| (file, stamp_of(&found))))
}
