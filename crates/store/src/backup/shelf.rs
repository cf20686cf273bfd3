//! The records of a home's backups on its disk, and the lists that they name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use abi::Wall;
use update::ChunkId;

use super::catalogue::{self, Content, Listed};
use super::error::BackupError;
use super::record::{Backup, Part, RECORD_BYTES_MAX};
use crate::depot::{Cleaned, Depot, DepotFound};
use crate::disk::{Disk, replace};
use crate::meter::Meter;

/// 10,000 backups: more than a year by the hour.
pub const BACKUPS_MAX: usize = 10_000;

/// What ends the name of a record.
const RECORD: &str = ".backup";

/// 256 MiB: a list of as many files as a component may have.
const LIST_BYTES_MAX: u64 = 256 << 20;

/// The backups of a home.
///
/// Whoever creates, verifies, prunes or restores holds [`lock_depot`](crate::lock_depot) meanwhile; reading the records
/// needs no lock, since each is whole at every instant.
#[derive(Debug)]
pub struct Backups {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) state: PathBuf,
    depot: Option<Depot>,
    /// How far the work at hand has come.
    pub(super) meter: Arc<Meter>,
    /// What opening the depot found.
    pub(super) depot_found: Option<DepotFound>,
}

impl Backups {
    /// The backups in a home's `state`; nothing is read yet.
    pub fn new(disk: Arc<dyn Disk>, state: &Path) -> Self {
        Self { disk, state: state.to_owned(), meter: Arc::default(), depot: None, depot_found: None }
    }

    /// How far [`create`](Self::create), [`verify`](Self::verify) or laying out files has come, for another thread.
    pub fn meter(&self) -> Arc<Meter> {
        self.meter.clone()
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.state.join("backups")
    }

    pub(super) fn last_folder(&self) -> PathBuf {
        self.folder().join("last")
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.folder().join(format!("{number}{RECORD}"))
    }

    /// All backups, the oldest first.
    ///
    /// # Errors
    /// `Record` for the first one that is damaged; `TooMany`, `Disk`.
    pub fn all(&self) -> Result<Vec<Backup>, BackupError> {
        let (found, damaged) = self.sound_and_damaged()?;
        match damaged.into_iter().next() {
            Some(path) => Err(BackupError::Record { path }),
            None => Ok(found),
        }
    }

    /// The backups whose records are what was written, the oldest first, and the files of the others.
    ///
    /// # Errors
    /// `TooMany`, `Disk`.
    pub fn sound_and_damaged(&self) -> Result<(Vec<Backup>, Vec<PathBuf>), BackupError> {
        let folder = self.folder();
        let files = match self.disk.list(&folder) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(BackupError::disk("read the folder", &folder)(error)),
        };
        let (mut sound, mut damaged) = (Vec::new(), Vec::new());
        for (name, length) in files {
            let Some(stem) = name.strip_suffix(RECORD) else { continue };
            if sound.len() >= BACKUPS_MAX {
                return Err(BackupError::TooMany { what: "backups", max: BACKUPS_MAX });
            }
            let path = folder.join(&name);
            let bytes = match length {
                0..=RECORD_BYTES_MAX => {
                    self.disk.read(&path, RECORD_BYTES_MAX).map_err(BackupError::disk("read", &path))?
                }
                _ => Vec::new(),
            };
            match Backup::parse(&bytes).filter(|backup| backup.number.to_string() == stem) {
                Some(backup) => sound.push(backup),
                None => damaged.push(path),
            }
        }
        sound.sort_by_key(|backup| backup.number);
        Ok((sound, damaged))
    }

    /// One backup; the newest without a number, snapshots left aside.
    ///
    /// # Errors
    /// `NotFound`, `Missing` when there is none at all; as [`Self::all`].
    pub fn find(&self, number: Option<u64>) -> Result<Backup, BackupError> {
        let (sound, damaged) = self.sound_and_damaged()?;
        let Some(number) = number else {
            let newest = sound.into_iter().rev().find(|backup| !backup.is_snapshot());
            return newest.ok_or(BackupError::Missing);
        };
        let path = self.path_of(number);
        if damaged.contains(&path) {
            return Err(BackupError::Record { path });
        }
        let found = sound.into_iter().find(|backup| backup.number == number);
        found.ok_or(BackupError::NotFound { number })
    }

    /// The files of one component of a backup.
    ///
    /// # Errors
    /// `List` when they are not what was written; `Depot`, `Disk`.
    pub fn files(&mut self, backup: &Backup, part: &Part) -> Result<Vec<Listed>, BackupError> {
        match self.cached(part) {
            Some(files) => Ok(files),
            None => self.stored_list(backup.number, part),
        }
    }

    /// One file of a backup, by its path from the home's root.
    ///
    /// # Errors
    /// `Unknown` when there is no such file, or it has more than `bytes_max`; `List`, `Depot`, `Disk`.
    pub fn read_file(
        &mut self,
        backup: &Backup,
        path: &Path,
        bytes_max: u64,
    ) -> Result<Vec<u8>, BackupError> {
        for part in &backup.parts {
            let files = self.files(backup, part)?;
            let Some(file) = files.into_iter().find(|file| file.path == path) else { continue };
            if let Content::File(content) = file.content
                && content.bytes <= bytes_max
            {
                let mut bytes = Vec::new();
                self.depot()?.read(&content, &mut bytes)?;
                return Ok(bytes);
            }
        }
        Err(BackupError::Unknown { number: backup.number, what: path.display().to_string() })
    }

    /// Removes one backup, and cleans the depot of what nothing else needs.
    ///
    /// # Errors
    /// As [`Self::clean`]; the backup is gone then all the same.
    pub fn remove(&mut self, number: u64) -> Result<Cleaned, BackupError> {
        self.remove_record(number)?;
        self.clean()
    }

    /// The list as the depot has it, whatever lies beside the records.
    pub(super) fn stored_list(&mut self, number: u64, part: &Part) -> Result<Vec<Listed>, BackupError> {
        let damaged = || BackupError::List { number, component: part.component.clone() };
        if part.list.bytes > LIST_BYTES_MAX {
            return Err(damaged());
        }
        let mut bytes = Vec::new();
        self.depot()?.read(&part.list, &mut bytes)?;
        if ChunkId::of(&bytes) != part.list_hash {
            return Err(damaged());
        }
        catalogue::parse(&bytes).ok_or_else(damaged)
    }

    /// The list from beside the records, if it is there and the one that the record names.
    pub(super) fn cached(&self, part: &Part) -> Option<Vec<Listed>> {
        let bytes = self.disk.read(&self.cache_of(&part.component), LIST_BYTES_MAX).ok()?;
        (ChunkId::of(&bytes) == part.list_hash).then(|| catalogue::parse(&bytes)).flatten()
    }

    /// Keeps a list beside the records. It is a copy: that it can't be written is no harm.
    pub(super) fn keep_cached(&self, component: &str, bytes: &[u8]) {
        let path = self.cache_of(component);
        if let Err(error) = replace(&*self.disk, &path, &path.with_extension("new"), bytes) {
            tracing::debug!(?error, component, "the list of a backup was not kept beside its record");
        }
    }

    fn cache_of(&self, component: &str) -> PathBuf {
        self.last_folder().join(format!("{}.list", component.replace('/', ".")))
    }

    /// Writes a record, after which the backup counts.
    pub(super) fn write_record(&self, backup: &Backup) -> Result<(), BackupError> {
        let path = self.path_of(backup.number);
        let bytes = backup.to_bytes();
        if bytes.len() as u64 > RECORD_BYTES_MAX {
            return Err(BackupError::TooMany { what: "components", max: backup.parts.len() });
        }
        Ok(replace(&*self.disk, &path, &path.with_extension("new"), &bytes)?)
    }

    /// Removes a record; the backup is gone then, and its chunks go with the next cleaning.
    pub(super) fn remove_record(&self, number: u64) -> Result<(), BackupError> {
        let path = self.path_of(number);
        self.disk.remove(&path).map_err(BackupError::disk("remove", &path))?;
        let folder = self.folder();
        self.disk.sync_folder(&folder).map_err(BackupError::disk("make durable", &folder))
    }

    /// The depot, opened when it is first needed.
    pub(super) fn depot(&mut self) -> Result<&mut Depot, BackupError> {
        if self.depot.is_none() {
            let (depot, found) = Depot::open(self.disk.clone(), &self.state.join("chunks"))?;
            self.depot = Some(depot);
            self.depot_found = Some(found);
        }
        self.depot.as_mut().ok_or(BackupError::Missing)
    }

    /// The newest part of a component, and the number of its backup.
    pub(super) fn newest_part<'a>(all: &'a [Backup], component: &str) -> Option<(u64, &'a Part)> {
        all.iter().rev().find_map(|backup| backup.part(component).map(|part| (backup.number, part)))
    }

    /// When a component was last backed up.
    pub fn last_time(all: &[Backup], component: &str) -> Option<Wall> {
        all.iter().filter(|backup| backup.part(component).is_some()).map(|backup| backup.at).max()
    }
}
