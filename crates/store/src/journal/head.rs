//! The head of the chain: how many records it has had, and the hash of the last.
//!
//! It is kept twice. The row in the database changes with every batch, in the same transaction. The head file beside it
//! is written only when the batch is durable, so that it is never ahead of the database after a power cut; it
//! finds records that were cut off the end together with the row.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::entry::Digest;
use super::error::JournalError;
use crate::files::write_whole;

/// 256 bytes: a head file has about 100; what is longer is not one.
const HEAD_BYTES_MAX: u64 = 256;

/// The rights of the head file: it says nothing secret, yet only the kernel's user has any business there.
const HEAD_MODE: u32 = 0o600;

/// First word of the file, with the version of its form.
const MARK: &str = "ostoja-journal-head-1";

/// 2^62 records: no journal has so many, so a greater number was written by somebody else; counting on from it could
/// run out of what the database can number.
pub(super) const SEQ_MAX: u64 = 1 << 62;

/// How far a chain goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// How many records the chain ever had, which is the seq of its last.
    pub(super) count: u64,
    /// The hash of the last; zeros for an empty chain.
    pub(super) hash: Digest,
}

impl Head {
    pub(super) const EMPTY: Self = Self { count: 0, hash: Digest::NONE };
}

/// What the head file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadFile {
    /// There is none.
    Missing,
    /// It is not what this program writes.
    Garbled,
    /// The head as it was when the journal was last made durable.
    Sealed(Head),
}

/// `journal.db` has its head in `journal.head`.
pub(super) fn head_path(journal: &Path) -> PathBuf {
    journal.with_extension("head")
}

pub(super) fn read_head(path: &Path) -> Result<HeadFile, JournalError> {
    let fail = |source| JournalError::ReadHead { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HeadFile::Missing),
        Err(error) => return Err(fail(error)),
    };
    let mut bytes = Vec::new();
    file.take(HEAD_BYTES_MAX).read_to_end(&mut bytes).map_err(fail)?;
    Ok(parse(&bytes).map_or(HeadFile::Garbled, HeadFile::Sealed))
}

fn parse(bytes: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let mut words = text.split(' ');
    if words.next()? != MARK {
        return None;
    }
    let count = words.next()?.parse().ok()?;
    let hash = Digest::parse(words.next()?)?;
    let well_formed = words.next().is_none() && count <= SEQ_MAX && ((count == 0) == (hash == Digest::NONE));
    well_formed.then_some(Head { count, hash })
}

pub(super) fn write_head(path: &Path, head: Head) -> Result<(), JournalError> {
    let line = format!("{MARK} {} {}\n", head.count, head.hash);
    write_whole(path, line.as_bytes(), HEAD_MODE).map_err(|source| JournalError::WriteHead { source })
}

#[cfg(test)]
mod tests;
