//! Reading and verifying beside the writer, from another thread or process.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::JournalError;
use super::head::{HeadFile, head_path, read_head};
use super::query::{self, Page, Query};
use super::schema;
use super::verify::{self, Verdict};

/// The journal, open for reading only.
#[derive(Debug)]
pub struct JournalReader {
    connection: Connection,
    path: PathBuf,
}

impl JournalReader {
    /// Opens the journal at `path`; it must exist.
    ///
    /// # Errors
    /// `Open` when it can't be opened or is no database, `Shape` when it is another one, `Newer` when a newer version
    /// of this program wrote it.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Ok(Self { connection: schema::open_reader(path)?, path: path.to_owned() })
    }

    /// Records that match.
    ///
    /// # Errors
    /// `Read`, when the database can't be read.
    pub fn read(&self, query: &Query) -> Result<Page, JournalError> {
        query::read(&self.connection, query)
            .map_err(|source| JournalError::Read { path: self.path.clone(), source })
    }

    /// Walks the whole chain as it is at this moment, also while it is being written.
    /// Takes about a second for a million records.
    ///
    /// # Errors
    /// `Read` or `ReadHead`, when it can't be read at all; damage within is a verdict.
    pub fn verify(&self) -> Result<Verdict, JournalError> {
        verify(&self.connection, &self.path)
    }
}

/// 5 times a broken chain is looked at again when the head file changed meanwhile: a writer seals it once in seconds, so
/// the second look nearly always holds.
const LOOKS_MAX: u32 = 5;

pub(super) fn verify(connection: &Connection, path: &Path) -> Result<Verdict, JournalError> {
    let head_path = head_path(path);
    // First the head file, then the snapshot: a writer at work is then only ever ahead of the head file.
    let mut head_file = read_head(&head_path)?;
    let mut looks = 1;
    loop {
        let verdict = verify_once(connection, &head_file)
            .map_err(|source| JournalError::Read { path: path.to_owned(), source })?;
        let found = read_head(&head_path)?;
        // Between the two, records as far as the head file's may have been dropped for age.
        if matches!(verdict, Verdict::Sound { .. }) || found == head_file || looks == LOOKS_MAX {
            return Ok(verdict);
        }
        head_file = found;
        looks += 1;
    }
}

fn verify_once(connection: &Connection, head_file: &HeadFile) -> rusqlite::Result<Verdict> {
    let transaction = connection.unchecked_transaction()?;
    let verdict = verify::verify(&transaction, head_file)?;
    transaction.finish()?;
    Ok(verdict)
}

#[cfg(test)]
mod tests;
