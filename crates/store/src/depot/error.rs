//! What can fail at the depot, one variant per step.

use std::io;
use std::path::PathBuf;

use abi::Explain;
use update::{BaleFlaw, ChunkId, FileRef, TreeFlaw};

use crate::disk::ReplaceError;

/// A step of the depot failed.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
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
    /// What was to be stored could not be read.
    #[error("can't read what is to be stored")]
    Source(#[source] io::Error),
    /// What was read could not be handed on.
    #[error("can't hand on what was read")]
    Sink(#[source] io::Error),
    /// The disk gave back other bytes than were written.
    #[error("`{}` holds other bytes than were written", path.display())]
    ReadBack {
        /// The file, which was removed again.
        path: PathBuf,
    },
    /// A chunk that a file needs is not there.
    #[error("chunk {chunk} is missing")]
    Missing {
        /// Its name.
        chunk: ChunkId,
    },
    /// A chunk is there, and not what its name says.
    #[error("chunk {chunk} is damaged")]
    Damaged {
        /// Its name.
        chunk: ChunkId,
        /// What is wrong.
        #[source]
        source: BaleFlaw,
    },
    /// The chunks of a file do not make the file.
    #[error("file {} can't be put together", file.root)]
    Tree {
        /// Its name.
        file: FileRef,
        /// What is wrong.
        #[source]
        source: TreeFlaw,
    },
    /// A file is not the list of a release's files.
    #[error("file {} is no release", file.root)]
    Release {
        /// Its name.
        file: FileRef,
    },
    /// A file is longer than the depot stores.
    #[error("a file has more than {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: u64,
    },
    /// The depot holds as many chunks as it can.
    #[error("the depot holds {chunks_max} chunks, and no more fit")]
    Full {
        /// The limit.
        chunks_max: usize,
    },
    /// The compression library got no memory.
    #[error("can't begin to compress")]
    Compressor(#[source] BaleFlaw),
}

impl From<ReplaceError> for DepotError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Disk { doing, path, source } => Self::Disk { doing, path, source },
            ReplaceError::ReadBack { path } => Self::ReadBack { path },
        }
    }
}

impl Explain for DepotError {
    fn code(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "store::depot::disk",
            Self::Source(_) => "store::depot::source",
            Self::Sink(_) => "store::depot::sink",
            Self::ReadBack { .. } => "store::depot::read_back",
            Self::Missing { .. } => "store::depot::missing",
            Self::Damaged { .. } => "store::depot::damaged",
            Self::Tree { .. } => "store::depot::tree",
            Self::Release { .. } => "store::depot::release",
            Self::TooLong { .. } => "store::depot::too_long",
            Self::Full { .. } => "store::depot::full",
            Self::Compressor(_) => "store::depot::compressor",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Disk { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some(format!("make room: df -h {}", path.parent()?.display()))
            }
            Self::Missing { .. } => {
                Some("stage the package again: what is missing is stored anew".to_owned())
            }
            Self::Damaged { .. } => {
                Some("inspect the depot, which sets damage aside, and stage the package again".to_owned())
            }
            _ => None,
        }
    }
}
