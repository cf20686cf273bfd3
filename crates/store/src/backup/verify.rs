//! Verifying: every byte of every backup is read and held against its hash.

use std::collections::BTreeMap;
use std::path::PathBuf;

use update::FileRef;

use super::catalogue::Content;
use super::error::BackupError;
use super::shelf::Backups;
use crate::depot::Holding;

/// 100 losses are named; all of them are counted.
const LOSSES_NAMED_MAX: usize = 100;

/// Something that a backup can't give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Which backup.
    pub backup: u64,
    /// Which component.
    pub component: String,
    /// Which file; nothing when the whole list is lost.
    pub path: Option<PathBuf>,
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Backups that were looked at.
    pub backups: usize,
    /// Different chunks that were read.
    pub chunks: usize,
    /// Chunks that are not what their names say.
    pub chunks_damaged: usize,
    /// Files of the depot that were damaged without a loss, and are repaired.
    pub repaired: usize,
    /// Files of the depot that were set aside, and records that are damaged.
    pub damaged: Vec<PathBuf>,
    /// How many files of how many backups are lost.
    pub losses: u64,
    /// The first of them.
    pub lost: Vec<Loss>,
}

impl Verified {
    /// Whether every byte is what was written.
    pub fn is_sound(&self) -> bool {
        self.chunks_damaged == 0 && self.repaired == 0 && self.damaged.is_empty() && self.losses == 0
    }
}

impl Backups {
    /// Reads everything. What is damaged in the depot is set aside, and what was lost with it is stored again by the next
    /// backup of a file that is still as it was: every such file is looked up then.
    ///
    /// # Errors
    /// `Disk`, and `Depot` when what is sound could not be moved out of a damaged file.
    pub fn verify(&mut self) -> Result<Verified, BackupError> {
        let mut verified = Verified::default();
        let meter = self.meter.clone();
        let inspected = self.depot()?.inspect(&meter)?;
        let at_opening = self.depot_found.as_ref().map(|found| found.damaged.clone()).unwrap_or_default();
        verified.chunks = inspected.chunks;
        verified.chunks_damaged = inspected.damaged.len();
        verified.repaired = inspected.repaired;
        verified.damaged.extend(at_opening.into_iter().chain(inspected.aside));
        let (all, damaged) = self.sound_and_damaged()?;
        verified.damaged.extend(damaged);
        verified.backups = all.len();
        let mut known: BTreeMap<FileRef, Holding> = BTreeMap::new();
        for backup in &all {
            for part in &backup.parts {
                let lose = |path| Loss { backup: backup.number, component: part.component.clone(), path };
                let files = match self.stored_list(backup.number, part) {
                    Ok(files) => files,
                    Err(BackupError::List { .. } | BackupError::Depot(_)) => {
                        verified.lose(lose(None));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                for file in files {
                    let Content::File(content) = &file.content else { continue };
                    if self.holding(&mut known, content)? == Holding::Partly {
                        verified.lose(lose(Some(file.path)));
                    }
                }
            }
        }
        if !verified.is_sound() {
            self.doubt_lists()?;
        }
        Ok(verified)
    }

    fn holding(
        &mut self,
        known: &mut BTreeMap<FileRef, Holding>,
        content: &FileRef,
    ) -> Result<Holding, BackupError> {
        if let Some(holding) = known.get(content) {
            return Ok(*holding);
        }
        // A tree that can't be followed is as lost as one whose chunks are gone.
        let holding = self.depot()?.holds(content).unwrap_or(Holding::Partly);
        known.insert(*content, holding);
        Ok(holding)
    }

    /// Takes the copies of the lists away, so that the next backup believes none of them.
    fn doubt_lists(&self) -> Result<(), BackupError> {
        let folder = self.last_folder();
        let names = match self.disk.list(&folder) {
            Ok(names) => names,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(BackupError::disk("read the folder", &folder)(error)),
        };
        for (name, _) in names {
            let path = folder.join(name);
            self.disk.remove(&path).map_err(BackupError::disk("remove", &path))?;
        }
        self.disk.sync_folder(&folder).map_err(BackupError::disk("make durable", &folder))
    }
}

impl Verified {
    fn lose(&mut self, loss: Loss) {
        self.losses += 1;
        if self.lost.len() < LOSSES_NAMED_MAX {
            self.lost.push(loss);
        }
    }
}
