//! What can fail at log files, one variant per step.

use std::io;
use std::path::{Path, PathBuf};

use abi::Explain;

/// A step at the log files failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A module's folder could not be made.
    #[error("can't make the log folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder could not be listed.
    #[error("can't list the log folder `{}`", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be opened.
    #[error("can't open the log file `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Lines could not be written.
    #[error("can't write to the log file `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Lines could not be read.
    #[error("can't read the log file `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl LogError {
    fn parts(&self) -> (&Path, &io::Error) {
        match self {
            Self::Folder { path, source }
            | Self::List { path, source }
            | Self::Open { path, source }
            | Self::Write { path, source }
            | Self::Read { path, source } => (path, source),
        }
    }
}

impl Explain for LogError {
    fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "store::logs::folder",
            Self::List { .. } => "store::logs::list",
            Self::Open { .. } => "store::logs::open",
            Self::Write { .. } => "store::logs::write",
            Self::Read { .. } => "store::logs::read",
        }
    }

    fn help(&self) -> Option<String> {
        let (path, source) = self.parts();
        let folder = path.parent().unwrap_or(path).display();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some(format!("make room: df -h {folder}"))
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some(format!("look at the folder's rights: ls -ld {folder}"))
            }
            io::ErrorKind::NotADirectory => {
                Some(format!("a file is where a folder should be: ls -l {folder}"))
            }
            _ => None,
        }
    }
}
