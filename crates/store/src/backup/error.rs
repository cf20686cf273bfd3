//! What can fail at a backup, one variant per step.

use std::io;
use std::path::PathBuf;

use abi::Explain;

use crate::depot::DepotError;
use crate::disk::ReplaceError;
use crate::slots::SlotsFileError;

/// A step of a backup failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
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
    /// A backup's record is not what was written. Nothing is cleaned away while it is there, since nobody knows what it
    /// needs.
    #[error("the record `{}` of a backup is damaged", path.display())]
    Record {
        /// Its file.
        path: PathBuf,
    },
    /// The list of a component's files is not what was written.
    #[error("backup {number} has a damaged list of the files of `{component}`")]
    List {
        /// Which backup.
        number: u64,
        /// Which component.
        component: String,
    },
    /// There is no such backup.
    #[error("there is no backup {number}")]
    NotFound {
        /// The number that was asked for.
        number: u64,
    },
    /// There is no backup at all.
    #[error("there is no backup yet")]
    Missing,
    /// The backup holds no such component or file.
    #[error("backup {number} holds no `{what}`")]
    Unknown {
        /// Which backup.
        number: u64,
        /// What was asked for.
        what: String,
    },
    /// Where it was to be restored to is something already.
    #[error("`{}` is there already, and not empty", path.display())]
    Occupied {
        /// The folder or file.
        path: PathBuf,
    },
    /// There are as many files or backups as a list may hold.
    #[error("there are more than {max} {what}")]
    TooMany {
        /// Files or backups.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// The depot could not give or take what was needed.
    #[error("the chunks of the backup can't be used")]
    Depot(#[source] DepotError),
    /// It is not known what versions need, so nothing may be cleaned away.
    #[error("it can't be told which versions need chunks")]
    Slots(#[source] SlotsFileError),
}

impl BackupError {
    /// Makes an error of one of the disk.
    pub(super) fn disk(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Disk { doing, path, source }
    }
}

impl From<ReplaceError> for BackupError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Disk { doing, path, source } => Self::Disk { doing, path, source },
            ReplaceError::ReadBack { path } => Self::ReadBack { path },
        }
    }
}

impl From<DepotError> for BackupError {
    fn from(error: DepotError) -> Self {
        Self::Depot(error)
    }
}

impl Explain for BackupError {
    fn code(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "store::backup::disk",
            Self::ReadBack { .. } => "store::backup::read_back",
            Self::Record { .. } => "store::backup::broken",
            Self::List { .. } => "store::backup::list",
            Self::NotFound { .. } => "store::backup::not_found",
            Self::Missing => "store::backup::missing",
            Self::Unknown { .. } => "store::backup::unknown",
            Self::Occupied { .. } => "store::backup::occupied",
            Self::TooMany { .. } => "store::backup::too_many",
            Self::Depot(error) => error.code(),
            Self::Slots(error) => error.code(),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Disk { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some(format!("make room: df -h {}", path.parent()?.display()))
            }
            Self::Disk { .. } | Self::ReadBack { .. } => None,
            Self::Record { path } => Some(format!("if it is not needed, remove it: rm {}", path.display())),
            Self::List { .. } => Some("see what else is lost: ostoja backup verify".to_owned()),
            Self::NotFound { .. } => Some("see which there are: ostoja backup list".to_owned()),
            Self::Missing => Some("make one: ostoja backup create".to_owned()),
            Self::Unknown { number, .. } => Some(format!("see what is in it: ostoja backup show {number}")),
            Self::Occupied { .. } => Some("name a place that is not there yet".to_owned()),
            Self::TooMany { .. } => Some("keep fewer: ostoja backup prune".to_owned()),
            Self::Depot(error) => error.help(),
            Self::Slots(error) => error.help(),
        }
    }
}
