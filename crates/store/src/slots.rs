//! The slots on a disk: one small file for all modules, replaced as a whole before anything is done about it.
//!
//! It is kept twice: `slots`, which counts, and `slots.copy`, written after it. A file that was replaced by a rename is
//! whole, so the copy is only asked when the disk has changed `slots` since.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use abi::{Explain, Wall};
use update::{FileRef, Slots, SlotsError, SlotsUnreadable, Step};

use crate::disk::{Disk, ReplaceError, replace};

/// 64 MiB: 4,096 modules in every phase, with their evidence.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A step with the slots' file failed.
#[derive(Debug, thiserror::Error)]
pub enum SlotsFileError {
    /// The disk refused.
    #[error("can't {doing} `{}`", path.display())]
    Disk {
        /// What was to be done, as in "can't …".
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The disk gave back other bytes than were written.
    #[error("`{}` holds other bytes than were written", path.display())]
    ReadBack {
        /// The file, which was removed again.
        path: PathBuf,
    },
    /// Neither the file nor its copy can be read; both are left as they are.
    #[error("neither `{}` nor its copy can be read", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: SlotsUnreadable,
    },
    /// The step can't be done with these slots.
    #[error("the slots stay as they are")]
    Step(#[source] SlotsError),
}

impl From<ReplaceError> for SlotsFileError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Disk { doing, path, source } => Self::Disk { doing, path, source },
            ReplaceError::ReadBack { path } => Self::ReadBack { path },
        }
    }
}

impl Explain for SlotsFileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "store::slots::disk",
            Self::ReadBack { .. } => "store::slots::read_back",
            Self::Damaged { .. } => "store::slots::damaged",
            Self::Step(error) => error.code(),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Disk { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some(format!("make room: df -h {}", path.parent()?.display()))
            }
            Self::Damaged { path, .. } => {
                Some(format!("bring `{}` back from a backup; nothing is removed until then", path.display()))
            }
            _ => None,
        }
    }
}

/// What was found when the slots were opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotsFound {
    /// No file: a new home.
    New,
    /// Both files, with the same in them.
    Sound,
    /// One of the two was damaged, missing or older, and was written anew from the other one.
    Repaired,
}

/// The slots of a home, on its disk.
#[derive(Debug)]
pub struct SlotsFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    slots: Slots,
    /// Whether the files hold these slots, as far as is known.
    standing: Standing,
}

/// What is known of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// They hold the slots.
    Settled,
    /// A write failed: they may hold the slots after a step that was not done.
    InDoubt,
}

impl SlotsFile {
    /// Opens the slots in a folder, which is made if it is missing.
    ///
    /// # Errors
    /// `Damaged` when neither the file nor its copy is what was written, `Disk`.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path) -> Result<(Self, SlotsFound), SlotsFileError> {
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| SlotsFileError::Disk { doing, path, source }
        };
        disk.make_folder(folder).map_err(failed("make the folder", folder))?;
        let path = folder.join("slots");
        let mut file = Self { disk, path, slots: Slots::default(), standing: Standing::Settled };
        let read = |path: &Path| match file.disk.read(path, FILE_BYTES_MAX) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed("read", path)(source)),
        };
        let (first, copy) = (read(&file.path)?, read(&file.copy())?);
        let found = match (first, copy) {
            (None, None) => SlotsFound::New,
            (first, copy) => {
                let is_same = first == copy;
                file.slots = file.choose(first, copy)?;
                if is_same {
                    SlotsFound::Sound
                } else {
                    file.write()?;
                    SlotsFound::Repaired
                }
            }
        };
        Ok((file, found))
    }

    /// The file counts if it is what was written; else the copy.
    fn choose(&self, first: Option<Vec<u8>>, copy: Option<Vec<u8>>) -> Result<Slots, SlotsFileError> {
        let read = |bytes: Option<Vec<u8>>| bytes.map(|bytes| Slots::from_file(&bytes));
        let damaged = |source| SlotsFileError::Damaged { path: self.path.clone(), source };
        match (read(first), read(copy)) {
            (Some(Ok(slots)), _) | (_, Some(Ok(slots))) => Ok(slots),
            (Some(Err(flaw)), _) | (None, Some(Err(flaw))) => Err(damaged(flaw)),
            (None, None) => Ok(Slots::default()),
        }
    }

    /// The slots. After a step that could not be written they are those before it, and the disk may hold the others
    /// until the next step or [`Self::kept`] has written these again.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// The releases that have to be kept, for a cleaning. What the disk holds is settled before: a step that failed and
    /// is on the disk all the same must not lose its files.
    ///
    /// # Errors
    /// `Disk` or `ReadBack` when that can't be written; nothing may be cleaned then.
    pub fn kept(&mut self) -> Result<Vec<FileRef>, SlotsFileError> {
        self.settle()?;
        Ok(self.slots.kept())
    }

    /// Does a step: once this returns, the slots after it are on the disk, and what follows from them may be done.
    ///
    /// # Errors
    /// `Step` when it can't be done; `Disk` or `ReadBack` when it could not be written: the slots are those before the
    /// step, and whoever opens them after a crash may find either.
    pub fn step(&mut self, step: Step, now: Wall) -> Result<(), SlotsFileError> {
        let next = self.slots.after(step, now).map_err(SlotsFileError::Step)?;
        self.settle()?;
        let before = std::mem::replace(&mut self.slots, next);
        self.standing = Standing::InDoubt;
        if let Err(error) = self.write() {
            self.slots = before;
            // Whoever opens the files next is to find what this said; if that fails too, they stay in doubt.
            if self.write().is_ok() {
                self.standing = Standing::Settled;
            }
            return Err(error);
        }
        self.standing = Standing::Settled;
        Ok(())
    }

    /// Sees that the files hold the slots and nothing else.
    fn settle(&mut self) -> Result<(), SlotsFileError> {
        if self.standing == Standing::InDoubt {
            self.write()?;
            self.standing = Standing::Settled;
        }
        Ok(())
    }

    /// Writes the file, which is what counts, and then its copy.
    fn write(&self) -> Result<(), SlotsFileError> {
        let (bytes, copy) = (self.slots.to_file(), self.copy());
        let replaced = |path: &Path| replace(&*self.disk, path, &path.with_extension("new"), &bytes);
        replaced(&self.path)?;
        if let Err(error) = replaced(&copy) {
            // The step is done, and a copy of before it would be believed if the file were damaged: better none, until
            // the next step or start writes it anew.
            let folder = copy.parent().unwrap_or(Path::new("."));
            let removed = self.disk.remove(&copy).and_then(|()| self.disk.sync_folder(folder));
            if removed.is_err_and(|error| error.kind() != io::ErrorKind::NotFound) {
                return Err(error.into());
            }
            tracing::warn!(?error, "the slots have no copy for now");
        }
        Ok(())
    }

    fn copy(&self) -> PathBuf {
        self.path.with_extension("copy")
    }
}
