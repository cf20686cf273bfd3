//! What can fail at the journal, one variant per step.

use std::io;
use std::path::PathBuf;

use abi::Explain;
use rusqlite::ErrorCode;

use crate::files::WriteError;

/// A step of the journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder could not be made.
    #[error("can't make the journal's folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database could not be opened.
    #[error("can't open the journal `{}`", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The database could not be created.
    #[error("can't create the journal `{}`", path.display())]
    Create {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a database, and not a journal.
    #[error("`{}` is not a journal", path.display())]
    Shape {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer version of this program wrote it.
    #[error("the journal `{}` has the format {found}, this program knows {known}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// The format found.
        found: i64,
        /// The newest format this program knows.
        known: i64,
    },
    /// What can't be read could not be set aside.
    #[error("can't set aside `{}`", path.display())]
    SetAside {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The head file could not be read.
    #[error("can't read the head of the journal `{}`", path.display())]
    ReadHead {
        /// The head file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The head file could not be written.
    #[error("can't seal the journal")]
    WriteHead {
        /// Why.
        #[source]
        source: WriteError,
    },
    /// Records could not be written.
    #[error("can't write to the journal `{}`", path.display())]
    Append {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// What was written could not be made durable.
    #[error("can't make the journal `{}` durable", path.display())]
    Sync {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The oldest records could not be dropped.
    #[error("can't drop the oldest records of the journal `{}`", path.display())]
    Prune {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// Records could not be read.
    #[error("can't read the journal `{}`", path.display())]
    Read {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// New databases are damaged too, so no further one is begun.
    #[error("the journal `{}` was damaged {times} times in this run", path.display())]
    DamagedAgain {
        /// The database.
        path: PathBuf,
        /// How many were set aside.
        times: u32,
    },
    /// The file under the open journal is another one, or gone.
    #[error("the journal `{}` was moved or replaced while it was in use", path.display())]
    Moved {
        /// The database.
        path: PathBuf,
    },
}

impl JournalError {
    /// Whether the database itself is damaged, so that only a new chain helps.
    pub(crate) fn is_damage(&self) -> bool {
        // A missing table is a plain SQL error, which has a code of its own kind only when it is none of the disk's.
        let shapeless = matches!(self, Self::Shape { .. }) && !self.is_of_disk();
        shapeless || matches!(self.sqlite_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }

    /// Whether the disk or another process is the cause, so that trying again may help.
    fn is_of_disk(&self) -> bool {
        matches!(
            self.sqlite_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::PermissionDenied
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::OutOfMemory
                    | ErrorCode::FileLockingProtocolFailed
            )
        )
    }

    fn sqlite_code(&self) -> Option<ErrorCode> {
        match self {
            Self::Open { source, .. }
            | Self::Shape { source, .. }
            | Self::Append { source, .. }
            | Self::Sync { source, .. }
            | Self::Prune { source, .. }
            | Self::Read { source, .. } => source.sqlite_error_code(),
            Self::Folder { .. }
            | Self::Create { .. }
            | Self::Newer { .. }
            | Self::SetAside { .. }
            | Self::ReadHead { .. }
            | Self::WriteHead { .. }
            | Self::DamagedAgain { .. }
            | Self::Moved { .. } => None,
        }
    }

    fn folder(&self) -> Option<&std::path::Path> {
        match self {
            Self::Folder { path, .. } => Some(path),
            Self::Open { path, .. }
            | Self::Create { path, .. }
            | Self::Shape { path, .. }
            | Self::Newer { path, .. }
            | Self::SetAside { path, .. }
            | Self::ReadHead { path, .. }
            | Self::Append { path, .. }
            | Self::Sync { path, .. }
            | Self::Prune { path, .. }
            | Self::Read { path, .. }
            | Self::DamagedAgain { path, .. }
            | Self::Moved { path } => path.parent(),
            Self::WriteHead { source } => source.path.parent(),
        }
    }
}

impl Explain for JournalError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "store::journal::folder",
            Self::Open { .. } => "store::journal::open",
            Self::Create { .. } => "store::journal::create",
            Self::Shape { .. } => "store::journal::shape",
            Self::Newer { .. } => "store::journal::newer",
            Self::SetAside { .. } => "store::journal::set_aside",
            Self::ReadHead { .. } => "store::journal::read_head",
            Self::WriteHead { .. } => "store::journal::write_head",
            Self::Append { .. } => "store::journal::append",
            Self::Sync { .. } => "store::journal::sync",
            Self::Prune { .. } => "store::journal::prune",
            Self::Read { .. } => "store::journal::read",
            Self::DamagedAgain { .. } => "store::journal::damaged_again",
            Self::Moved { .. } => "store::journal::moved",
        }
    }

    fn help(&self) -> Option<String> {
        if matches!(self, Self::Newer { .. }) {
            return Some("use the version of ostoja that wrote it, or a newer one".to_owned());
        }
        if matches!(self, Self::DamagedAgain { .. }) {
            return Some("check the disk: dmesg | tail; smartctl -H <device>".to_owned());
        }
        if let Self::WriteHead { source } = self {
            return source.help();
        }
        let folder = self.folder()?.display();
        match self.sqlite_code() {
            Some(ErrorCode::DiskFull) => Some(format!("make room: df -h {folder}")),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Some(format!("see who holds it: fuser -v {folder}/*"))
            }
            _ if self.is_damage() => {
                Some("start ostoja: it sets the damaged journal aside and begins a new one".to_owned())
            }
            _ => Some(format!("look at the folder's rights and room: ls -ld {folder}; df -h {folder}")),
        }
    }
}
