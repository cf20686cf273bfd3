//! The database: its tables, how an older form becomes the newest, and the settings every connection gets.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row};

use super::entry::Digest;
use super::error::JournalError;
use super::head::{Head, SEQ_MAX};

/// One step per format; step n leads from format n to n + 1, and a database made yesterday takes the steps it lacks.
const STEPS: [&str; 1] = ["
    CREATE TABLE records (
        seq        INTEGER PRIMARY KEY,
        wall_ms    INTEGER NOT NULL,
        boot       BLOB    NOT NULL,
        code       TEXT    NOT NULL,
        module     TEXT,
        generation INTEGER,
        facts      TEXT    NOT NULL,
        prev       BLOB    NOT NULL,
        hash       BLOB    NOT NULL
    );
    CREATE INDEX records_of_module ON records (module, seq) WHERE module IS NOT NULL;
    CREATE TABLE head   (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL,
                         sealed INTEGER NOT NULL);
    CREATE TABLE anchor (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL);
    INSERT INTO head   VALUES (1, 0, zeroblob(32), 0);
    INSERT INTO anchor VALUES (1, 0, zeroblob(32));
"];

/// The newest format this program knows.
const FORMAT: i64 = STEPS.len() as i64;

/// 2 s: how long to wait for a reader's or a backup's lock before a batch counts as failed and is tried again.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// 256 KiB of page cache: the end of the table and the leaves of the index in use; the host's memory stays small.
const CACHE_KIB: i64 = 256;

/// 1,000 pages, 4 MiB: past it the log is brought into the database, so that neither the log nor its index grow. Each
/// time costs two fsyncs, so not much less.
const CHECKPOINT_PAGES: i64 = 1000;

/// 4 MiB: what is left of the log file after a reader made it grow.
const LOG_BYTES_MAX: i64 = 4 << 20;

/// The rights of the database; its log and index files take them over.
const DATABASE_MODE: u32 = 0o600;

/// Opens for writing, and creates what is missing.
pub(super) fn open_writer(path: &Path) -> Result<Connection, JournalError> {
    create_private(path)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fail = |source| JournalError::Open { path: path.to_owned(), source };
    let mut connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    set_up(&connection).map_err(fail)?;
    set_up_writer(&connection).map_err(fail)?;
    migrate(&mut connection, path)?;
    check_shape(&connection).map_err(|source| JournalError::Shape { path: path.to_owned(), source })?;
    Ok(connection)
}

/// Opens for reading only; nothing is created, but for the index of the log, which readers share with the writer.
pub(super) fn open_reader(path: &Path) -> Result<Connection, JournalError> {
    match open_read_only(path, path.as_os_str(), OpenFlags::empty()) {
        // Where that index can't be made and there is no log either, nobody writes, so the file may be read as it is:
        // a journal on a read-only disk can be verified too.
        Err(JournalError::Open { source, .. })
            if source.sqlite_error_code() == Some(ErrorCode::CannotOpen) && is_without_log(path) =>
        {
            open_read_only(path, &unchanging_uri(path), OpenFlags::SQLITE_OPEN_URI)
        }
        done => done,
    }
}

fn open_read_only(path: &Path, name: &OsStr, more: OpenFlags) -> Result<Connection, JournalError> {
    let fail = |source| JournalError::Open { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(name, flags).map_err(fail)?;
    set_up(&connection).map_err(fail)?;
    let found = format_of(&connection).map_err(fail)?;
    if found > FORMAT {
        return Err(JournalError::Newer { path: path.to_owned(), found, known: FORMAT });
    }
    check_shape(&connection).map_err(|source| JournalError::Shape { path: path.to_owned(), source })?;
    Ok(connection)
}

fn is_without_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    path.exists() && !Path::new(&log).exists()
}

/// The name by which the database opens a file that nobody changes.
fn unchanging_uri(path: &Path) -> OsString {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    OsString::from(uri)
}

/// Creates the file with private rights. An existing one is not even opened: closing any descriptor of it would drop
/// the locks that another connection of this process holds.
fn create_private(path: &Path) -> Result<(), JournalError> {
    match OpenOptions::new().write(true).create_new(true).mode(DATABASE_MODE).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(JournalError::Create { path: path.to_owned(), source }),
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // Mapped pages would count as the host's memory, and a disk error on them would be a signal instead of a result.
    set_and_read(connection, "mmap_size", 0)
}

fn set_up_writer(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        // Some file systems can't; the journal works without, only slower.
        tracing::warn!(mode, "journal is kept without a write-ahead log");
    }
    connection.pragma_update(None, "synchronous", "normal")?;
    set_and_read(connection, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    set_and_read(connection, "journal_size_limit", LOG_BYTES_MAX)
}

/// For the settings that answer with their new value.
fn set_and_read(connection: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, name, value, |_| Ok(()))
}

fn format_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let fail = |source| JournalError::Open { path: path.to_owned(), source };
    let found = format_of(connection).map_err(fail)?;
    if found > FORMAT {
        return Err(JournalError::Newer { path: path.to_owned(), found, known: FORMAT });
    }
    let steps = STEPS.iter().zip(1_i64..).skip_while(|(_, leads_to)| *leads_to <= found);
    for (step, leads_to) in steps {
        let transaction = connection.transaction().map_err(fail)?;
        transaction.execute_batch(step).map_err(fail)?;
        transaction.pragma_update(None, "user_version", leads_to).map_err(fail)?;
        transaction.commit().map_err(fail)?;
    }
    Ok(())
}

/// Whether the tables are those this program knows, without reading them.
fn check_shape(connection: &Connection) -> rusqlite::Result<()> {
    for sql in [
        "SELECT seq, wall_ms, boot, code, module, generation, facts, prev, hash FROM records",
        "SELECT id, seq, hash, sealed FROM head",
        "SELECT id, seq, hash FROM anchor",
    ] {
        connection.prepare(sql)?;
    }
    Ok(())
}

/// The row of `head`; nothing when it is missing or not readable as one.
pub(super) fn head_row(connection: &Connection) -> rusqlite::Result<Option<Head>> {
    place_in(connection, "SELECT seq, hash FROM head WHERE id = 1")
}

/// The row of `anchor`: the last record that was dropped.
pub(super) fn anchor_row(connection: &Connection) -> rusqlite::Result<Option<Head>> {
    place_in(connection, "SELECT seq, hash FROM anchor WHERE id = 1")
}

/// The last record in the table; the empty chain when there is none. A hash that is not one becomes zeros, which no
/// record has.
pub(super) fn last_row(connection: &Connection) -> rusqlite::Result<Head> {
    let row = connection
        .query_row(
            "SELECT seq, hash FROM records WHERE seq BETWEEN 1 AND ?1 ORDER BY seq DESC LIMIT 1",
            [SEQ_MAX.cast_signed()],
            |row| Ok((row.get::<_, i64>(0)?, digest_in(row, 1)?)),
        )
        .optional()?;
    Ok(row.map_or(Head::EMPTY, |(seq, hash)| Head {
        count: seq.cast_unsigned(),
        hash: hash.unwrap_or(Digest::NONE),
    }))
}

/// The hash of one record; nothing when there is no such record or its hash is not one.
pub(super) fn hash_of(connection: &Connection, seq: u64) -> rusqlite::Result<Option<Digest>> {
    let Ok(seq) = i64::try_from(seq) else { return Ok(None) };
    let row = connection
        .query_row("SELECT hash FROM records WHERE seq = ?1", [seq], |row| digest_in(row, 0))
        .optional()?;
    Ok(row.flatten())
}

fn digest_in(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Digest>> {
    let bytes = row.get_ref(column)?.as_blob().ok();
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(Digest))
}

fn place_in(connection: &Connection, sql: &str) -> rusqlite::Result<Option<Head>> {
    let row = connection
        .query_row(sql, [], |row| {
            let seq = row.get_ref(0)?.as_i64().ok().and_then(|seq| u64::try_from(seq).ok());
            let seq = seq.filter(|seq| *seq <= SEQ_MAX);
            Ok(seq.zip(digest_in(row, 1)?).map(|(count, hash)| Head { count, hash }))
        })
        .optional()?;
    Ok(row.flatten())
}

#[cfg(test)]
mod tests;
