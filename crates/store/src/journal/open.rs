//! Opening the journal: new, as it was left, broken or damaged.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use abi::{Record, Wall};
use rusqlite::Connection;

use super::entry::{BootId, Digest};
use super::error::JournalError;
use super::head::{Head, HeadFile, head_path, read_head, write_head};
use super::{Journal, JournalLimits, identity, schema};
use crate::files::sweep_leftovers;
use crate::health::Trouble;

/// 100 names are tried for what is set aside in one millisecond; more is no accident.
const ASIDE_NAMES_MAX: u32 = 100;

/// The file endings that belong to one database.
const DATABASE_PARTS: [&str; 3] = ["-wal", "-shm", ""];

/// What was there when the journal was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing: a new chain has begun.
    Nothing,
    /// A journal whose end is where its heads say.
    Kept {
        /// How many records it ever had.
        count: u64,
    },
    /// A journal that does not end where its heads say, so somebody changed it. It goes on behind the gap.
    Broken {
        /// How many records there should be.
        expected: u64,
        /// Which record is the last in the table.
        found: u64,
    },
    /// A database that can't be read. A new chain has begun.
    Damaged {
        /// Where the old one is now.
        aside: PathBuf,
        /// What was wrong with it.
        error: Trouble,
    },
}

/// An open journal, and what was there before.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// What was there.
    pub found: Found,
}

pub(super) fn open(
    path: &Path,
    limits: JournalLimits,
    wall: Wall,
    boot: BootId,
) -> Result<Opened, JournalError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|source| JournalError::Folder { path: folder.to_owned(), source })?;
    }
    sweep_leftovers(&head_path(path));
    match try_open(path, limits, wall, boot, Record::new("journal.begun")) {
        Err(error) if error.is_damage() => begin_anew(path, limits, wall, boot, &error),
        done => done,
    }
}

/// Sets aside a damaged database and begins a new chain, whose first record says why.
pub(super) fn begin_anew(
    path: &Path,
    limits: JournalLimits,
    wall: Wall,
    boot: BootId,
    error: &JournalError,
) -> Result<Opened, JournalError> {
    let aside = set_aside(path, wall)?;
    let error = Trouble::of(error);
    let record = Record::new("journal.damaged")
        .text("set_aside", aside.file_name().unwrap_or_default().to_string_lossy())
        .text("error_code", error.code)
        .text("error", error.message.as_str());
    let mut opened = try_open(path, limits, wall, boot, record)?;
    tracing::error!(aside = %aside.display(), error = error.message, "journal was damaged and is set aside");
    opened.found = Found::Damaged { aside, error };
    Ok(opened)
}

/// `first` becomes the first record when the chain is new.
fn try_open(
    path: &Path,
    limits: JournalLimits,
    wall: Wall,
    boot: BootId,
    first: Record,
) -> Result<Opened, JournalError> {
    let fail = |source| JournalError::Open { path: path.to_owned(), source };
    let connection = schema::open_writer(path)?;
    let head_path = head_path(path);
    let ends = Ends::of(&connection, read_head(&head_path)?).map_err(fail)?;
    let anchor = schema::anchor_row(&connection).map_err(fail)?.unwrap_or(Head::EMPTY);
    let identity = identity(path).ok_or_else(|| JournalError::Moved { path: path.to_owned() })?;
    let mut journal = Journal {
        connection,
        path: path.to_owned(),
        head_path,
        limits,
        head: ends.row.unwrap_or(Head::EMPTY),
        anchor,
        dirty: false,
        identity,
    };
    let found = begin_or_go_on(&mut journal, &ends, wall, boot, first)?;
    Ok(Opened { journal, found })
}

/// Writes what the state of the ends asks for before anything else is written.
fn begin_or_go_on(
    journal: &mut Journal,
    ends: &Ends,
    wall: Wall,
    boot: BootId,
    first: Record,
) -> Result<Found, JournalError> {
    match ends.verdict() {
        End::Empty => {
            // Sealed while empty, so that a missing head file beside records always means that it was removed.
            write_head(&journal.head_path, Head::EMPTY)?;
            journal.append(wall, boot, &[first])?;
            journal.sync()?;
            Ok(Found::Nothing)
        }
        End::Whole => {
            // Whoever had it open before may have been killed before it made everything durable.
            journal.dirty = ends.file != HeadFile::Sealed(journal.head);
            Ok(Found::Kept { count: journal.head.count })
        }
        End::Broken { go_on_from, expected } => {
            let found = ends.last.count;
            journal.head = go_on_from;
            let record =
                Record::new("journal.broken").number("expected_count", expected).number("found_count", found);
            journal.append(wall, boot, &[record])?;
            journal.sync()?;
            tracing::error!(expected, found, "journal does not end where its head says");
            Ok(Found::Broken { expected, found })
        }
    }
}

/// The three things that say where the chain ends.
struct Ends {
    row: Option<Head>,
    file: HeadFile,
    last: Head,
    /// The hash of the record that the head file names; nothing when it is not in the table.
    at_file: Option<Digest>,
    /// Records through this one were dropped for age, so the head file's may be among them.
    anchor: Option<Head>,
}

/// Whether they agree.
enum End {
    Empty,
    Whole,
    Broken { go_on_from: Head, expected: u64 },
}

impl Ends {
    fn of(connection: &Connection, file: HeadFile) -> rusqlite::Result<Self> {
        let at_file = match file {
            HeadFile::Sealed(sealed) => schema::hash_of(connection, sealed.count)?,
            HeadFile::Missing | HeadFile::Garbled => None,
        };
        Ok(Self {
            row: schema::head_row(connection)?,
            file,
            last: schema::last_row(connection)?,
            at_file,
            anchor: schema::anchor_row(connection)?,
        })
    }

    fn verdict(&self) -> End {
        let empty = self.row == Some(Head::EMPTY) && self.last == Head::EMPTY;
        if empty && matches!(self.file, HeadFile::Missing | HeadFile::Sealed(Head::EMPTY)) {
            return End::Empty;
        }
        if self.row == Some(self.last) && self.anchor.is_some() && self.file_agrees() {
            return End::Whole;
        }
        self.broken()
    }

    fn file_agrees(&self) -> bool {
        match self.file {
            HeadFile::Missing | HeadFile::Garbled => false,
            HeadFile::Sealed(Head::EMPTY) => true,
            HeadFile::Sealed(sealed) => self.at_file == Some(sealed.hash),
        }
    }

    /// Goes on behind everything that is or should be there, from a hash that the table's last record does not have,
    /// so that the place stays broken for whoever verifies later.
    fn broken(&self) -> End {
        let sealed = match self.file {
            HeadFile::Sealed(sealed) => Some(sealed),
            HeadFile::Missing | HeadFile::Garbled => None,
        };
        let expected = [self.row, sealed].into_iter().flatten().map(|head| head.count).max().unwrap_or(0);
        let trusted = if self.file_agrees() { self.row } else { sealed };
        let hash = trusted.map_or(Digest::NONE, |head| head.hash);
        let hash = if hash == self.last.hash { Digest([0xff; 32]) } else { hash };
        End::Broken { go_on_from: Head { count: expected.max(self.last.count), hash }, expected }
    }
}

/// Moves a database, its log and its head file to names that nobody uses, the database last: until it is gone, the
/// next opening finds it damaged again and goes on setting aside.
fn set_aside(path: &Path, wall: Wall) -> Result<PathBuf, JournalError> {
    let fail = |source| JournalError::SetAside { path: path.to_owned(), source };
    let aside = free_name(path, wall).map_err(fail)?;
    rename_if_there(&head_path(path), &with_ending(&aside, ".head")).map_err(fail)?;
    for part in DATABASE_PARTS {
        rename_if_there(&with_ending(path, part), &with_ending(&aside, part)).map_err(fail)?;
    }
    Ok(aside)
}

fn free_name(path: &Path, wall: Wall) -> io::Result<PathBuf> {
    let first = with_ending(path, &format!(".corrupt-{}", wall.0));
    let further = (2..=ASIDE_NAMES_MAX).map(|count| with_ending(&first, &format!("-{count}")));
    std::iter::once(first.clone())
        .chain(further)
        .find(|name| fs::symlink_metadata(name).is_err())
        .ok_or_else(|| io::Error::new(io::ErrorKind::AlreadyExists, "too many were set aside in one instant"))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests;
