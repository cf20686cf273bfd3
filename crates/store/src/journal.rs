//! The journal: what was decided and why, one record after the other, each bound to the one before it by its hash.
//!
//! # Who may touch what
//! One [`Journal`] writes; any number of [`JournalReader`]s, in this process or others, read beside it. The database
//! holds the records, the head (how far the chain goes) and the anchor (what was dropped for age). The head file beside
//! it holds the head as it was when the journal was last made durable.
//!
//! # After damage
//! - The database can't be read as one: it is set aside as `journal.db.corrupt-<wall ms>`, a new chain begins, and its
//!   first record says so.
//! - The chain does not end where the heads say: the journal goes on behind the place that the heads name, so that the
//!   gap stays to be found for ever, and a `journal.broken` record says what was seen.

mod chain;
mod entry;
mod error;
mod facts;
mod head;
mod open;
mod query;
mod reader;
mod schema;
mod verify;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use abi::{Record, Wall};
use rusqlite::{Connection, Statement, TransactionBehavior};

use self::chain::Link;
pub use self::entry::{BootId, BootIdError, Digest, Entry};
pub use self::error::JournalError;
pub(crate) use self::facts::trim;
use self::head::Head;
pub use self::open::{Found, Opened};
pub use self::query::{Order, Page, Query};
pub use self::reader::JournalReader;
pub use self::verify::{Flaw, Verdict};

/// The code of the record that says what was dropped for age; verifying compares the anchor with it.
const PRUNED_CODE: &str = "journal.pruned";

/// The name of the fact in it that says which record was the last to go.
const THROUGH_SEQ: &str = "through_seq";

/// The name of the fact in it that says that record's hash.
const THROUGH_HASH: &str = "through_hash";

/// How much the journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalLimits {
    /// Records kept; past it the oldest are dropped. At least 2.
    pub records_max: u64,
    /// How many of the oldest are dropped at once, so that dropping is rare. At least 1, less than `records_max`.
    pub drop_at_once: u64,
}

/// 1,000,000 records: about 300 MiB, and years of a quiet machine.
const RECORDS_MAX_DEFAULT: u64 = 1_000_000;

/// 10,000 records: one transaction of some 20 ms for every 10,000 records written.
const DROP_AT_ONCE_DEFAULT: u64 = 10_000;

impl Default for JournalLimits {
    fn default() -> Self {
        Self { records_max: RECORDS_MAX_DEFAULT, drop_at_once: DROP_AT_ONCE_DEFAULT }
    }
}

/// The journal, open for writing.
#[derive(Debug)]
pub struct Journal {
    connection: Connection,
    path: PathBuf,
    head_path: PathBuf,
    limits: JournalLimits,
    /// The head as committed.
    head: Head,
    /// The last record that was dropped for age.
    anchor: Head,
    /// Whether anything was committed that is not yet durable.
    dirty: bool,
    /// Device and inode of the database, to notice when the file under us is no longer the one at `path`.
    identity: (u64, u64),
}

impl Journal {
    /// Opens the journal at `path`, usually `<state>/journal.db`, and creates it and its folder where they are missing.
    ///
    /// What was found is part of the answer: a damaged database is no error, it is set aside and a new chain begun.
    /// `wall` and `boot` go into the records that say so. Costs some milliseconds when the journal is new.
    ///
    /// # Errors
    /// When the disk refuses, when a newer version wrote it, or when what is damaged can't be set aside.
    pub fn open(
        path: &Path,
        limits: JournalLimits,
        wall: Wall,
        boot: BootId,
    ) -> Result<Opened, JournalError> {
        open::open(path, limits, wall, boot)
    }

    /// Sets aside a database that turned out to be damaged in use, and begins a new chain.
    pub(crate) fn begin_anew(
        path: &Path,
        limits: JournalLimits,
        wall: Wall,
        boot: BootId,
        error: &JournalError,
    ) -> Result<Opened, JournalError> {
        open::begin_anew(path, limits, wall, boot, error)
    }

    /// Writes records of one moment, all or none. They survive a kill at once, a power cut after the next `sync`.
    ///
    /// # Errors
    /// `Append` when the disk refuses, `Moved` when the database is no longer where it was: nothing was written.
    pub fn append(&mut self, wall: Wall, boot: BootId, records: &[Record]) -> Result<(), JournalError> {
        self.append_each(boot, records.iter().map(|record| (wall, record)))
    }

    /// Writes records of several moments, all or none.
    ///
    /// # Errors
    /// As `append`.
    pub fn append_each<'a>(
        &mut self,
        boot: BootId,
        records: impl Iterator<Item = (Wall, &'a Record)>,
    ) -> Result<(), JournalError> {
        self.check_place()?;
        let head = write_records(&mut self.connection, self.head, boot, records)
            .map_err(|source| JournalError::Append { path: self.path.clone(), source })?;
        if head != self.head {
            self.head = head;
            self.dirty = true;
        }
        Ok(())
    }

    /// Makes durable what was written, then seals the head file. Costs a few fsyncs; nothing when nothing was written.
    ///
    /// # Errors
    /// `Sync` or `WriteHead`, when the disk refuses; the records are written all the same.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if !self.dirty {
            return Ok(());
        }
        self.sync_database().map_err(|source| JournalError::Sync { path: self.path.clone(), source })?;
        head::write_head(&self.head_path, self.head)?;
        self.dirty = false;
        Ok(())
    }

    /// A commit in full mode makes its log durable, and with it every commit before it.
    fn sync_database(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", "full")?;
        // A commit that changes nothing writes nothing, so this one counts.
        let sealed = self.connection.execute("UPDATE head SET sealed = sealed + 1", []);
        self.connection.pragma_update(None, "synchronous", "normal")?;
        sealed.map(|_| ())
    }

    /// Drops the oldest records when there are more than the limit, behind the anchor, with a `journal.pruned` record
    /// that proves the anchor; gives how many were dropped.
    ///
    /// # Errors
    /// `Prune`, `Sync` or `WriteHead`, when the disk refuses; then nothing was dropped, or all of it.
    pub fn prune(&mut self, wall: Wall, boot: BootId) -> Result<u64, JournalError> {
        let kept = self.head.count.saturating_sub(self.anchor.count);
        if kept <= self.limits.records_max {
            return Ok(0);
        }
        // The head file has to name a record that is kept, or it could no longer be compared.
        self.sync()?;
        let surplus = kept - self.limits.records_max;
        let through = self.anchor.count + surplus.max(self.limits.drop_at_once).min(kept - 1);
        let (head, anchor) = drop_through(&mut self.connection, self.head, through, wall, boot)
            .map_err(|source| JournalError::Prune { path: self.path.clone(), source })?;
        self.head = head;
        self.anchor = anchor;
        self.dirty = true;
        self.sync()?;
        Ok(kept.saturating_sub(head.count - 1 - anchor.count))
    }

    /// Records that match, from this connection.
    ///
    /// # Errors
    /// `Read`, when the database can't be read.
    pub fn read(&self, query: &Query) -> Result<Page, JournalError> {
        query::read(&self.connection, query)
            .map_err(|source| JournalError::Read { path: self.path.clone(), source })
    }

    /// Walks the whole chain. Takes about a second for a million records.
    ///
    /// # Errors
    /// `Read` or `ReadHead`, when it can't be read at all; damage within is a verdict.
    pub fn verify(&self) -> Result<Verdict, JournalError> {
        reader::verify(&self.connection, &self.path)
    }

    /// Makes everything durable and closes the database.
    ///
    /// # Errors
    /// As `sync`.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.sync()
    }

    /// How many records the chain ever had: the seq of the last.
    pub fn count(&self) -> u64 {
        self.head.count
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether something was written that a power cut could still take away.
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Writing to a file that was unlinked succeeds and is lost, so the place is looked at before every batch.
    fn check_place(&self) -> Result<(), JournalError> {
        match identity(&self.path) {
            Some(found) if found == self.identity => Ok(()),
            _ => Err(JournalError::Moved { path: self.path.clone() }),
        }
    }
}

/// Device and inode of a file, without opening it.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

const INSERT: &str = "INSERT INTO records (seq, wall_ms, boot, code, module, generation, facts, prev, hash)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Writes records behind `head` in one transaction, and gives the new head.
fn write_records<'a>(
    connection: &mut Connection,
    mut head: Head,
    boot: BootId,
    records: impl Iterator<Item = (Wall, &'a Record)>,
) -> rusqlite::Result<Head> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = transaction.prepare(INSERT)?;
        for (wall, record) in records {
            head = insert_record(&mut insert, head, wall, boot, record)?;
        }
    }
    set_head(&transaction, head)?;
    transaction.commit()?;
    Ok(head)
}

fn insert_record(
    insert: &mut Statement<'_>,
    head: Head,
    wall: Wall,
    boot: BootId,
    record: &Record,
) -> rusqlite::Result<Head> {
    let facts = facts::to_text(&record.facts);
    let link = Link {
        prev: head.hash,
        seq: head.count + 1,
        wall_ms: wall.0,
        boot,
        code: record.code,
        module: record.module.as_ref().map(abi::ModuleId::as_str),
        generation: record.generation.map(|generation| generation.0),
        facts: &facts,
    };
    let hash = link.hash();
    insert.execute(rusqlite::params![
        link.seq.cast_signed(),
        link.wall_ms.cast_signed(),
        &link.boot.0.to_be_bytes()[..],
        link.code,
        link.module,
        link.generation.map(u64::cast_signed),
        link.facts,
        &link.prev.0[..],
        &hash.0[..],
    ])?;
    Ok(Head { count: link.seq, hash })
}

/// Sets the head row, and puts it back when somebody removed it.
fn set_head(connection: &Connection, head: Head) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO head (id, seq, hash, sealed) VALUES (1, ?1, ?2, 0)
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        rusqlite::params![head.count.cast_signed(), &head.hash.0[..]],
    )?;
    Ok(())
}

/// Drops every record through `through` and appends the record that says so; gives the new head and anchor.
fn drop_through(
    connection: &mut Connection,
    head: Head,
    through: u64,
    wall: Wall,
    boot: BootId,
) -> rusqlite::Result<(Head, Head)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Where the record itself is missing, the chain is broken there; zeros keep it so.
    let hash = schema::hash_of(&transaction, through)?.unwrap_or(Digest::NONE);
    transaction.execute("DELETE FROM records WHERE seq <= ?1", [through.cast_signed()])?;
    transaction.execute(
        "INSERT INTO anchor (id, seq, hash) VALUES (1, ?1, ?2)
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        rusqlite::params![through.cast_signed(), &hash.0[..]],
    )?;
    let record = Record::new(PRUNED_CODE).number(THROUGH_SEQ, through).text(THROUGH_HASH, hash.to_string());
    let head = insert_record(&mut transaction.prepare(INSERT)?, head, wall, boot, &record)?;
    set_head(&transaction, head)?;
    transaction.commit()?;
    Ok((head, Head { count: through, hash }))
}

#[cfg(test)]
mod tests;
