//! The data directory: what was decided, what was said, and files that are whole at every instant.
//!
//! # What is and isn't in this crate
//! - [`Journal`]: records of decisions in one hash chain, in a `SQLite` file; [`JournalReader`] reads and verifies it
//!   from another thread or process; [`Scribe`] is the thread that owns the journal, so that no caller waits for a disk.
//! - [`Logs`]: what modules say, as JSON lines per module and generation, rotated and bounded; [`read_logs`] and
//!   [`follow_logs`] give it back.
//! - [`Depot`] keeps files as chunks that versions and backups share, on a [`Disk`].
//! - [`stage_package`] puts a package's files into the depot, [`Depot::releases`] says what of it slots need,
//!   [`Depot::lay_out`] makes the folder that a module runs from.
//! - [`Backups`] keeps what a home held at some moment, over the same depot, and puts it back.
//! - [`KeptStates`] keeps what modules' states are over planned restarts.
//! - [`SlotsFile`] keeps which version of each module is active, in one step for all of them.
//! - [`write_whole`] replaces a file in one step, [`lock_home`] makes sure that one kernel runs per home.
//!
//! Not here: what a record means (`kernel` says it), who may read it (`host` asks), any async runtime.
//!
//! # The flow
//! ```text
//! host ──try_append──▶ bounded queue ──▶ scribe thread ──one transaction──▶ state/journal.db, state/journal.head
//! host ──try_append──▶ bounded queue ──▶ log thread ────one write per file─▶ logs/<module>/<generation>.jsonl
//! ```
//!
//! # Invariants
//! - Handing over never waits for a disk: the queues are bounded, what does not fit is counted, and the count is written.
//! - A failing disk is a state ([`Health`]), not an end: what waits is kept within the limits and written later.
//! - Nothing that was stored is deleted because it cannot be read: it is set aside under another name.
//!
//! # Example
//! ```
//! use std::time::Duration;
//! use abi::{Record, Wall};
//! use store::{BootId, JournalReader, Query, Scribe, ScribeOptions, Verdict};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("journal.db");
//! let scribe = Scribe::start(ScribeOptions::new(&path, BootId(7)))?;
//! let _admitted = scribe.try_append(Wall(1_000), Record::new("module.ready").number("after_ms", 40));
//! scribe.close(Duration::from_secs(5))?;
//!
//! let reader = JournalReader::open(&path)?;
//! let page = reader.read(&Query { codes: vec!["module.ready".into()], ..Query::last(10) })?;
//! assert_eq!(page.entries.len(), 1);
//! assert!(matches!(reader.verify()?, Verdict::Sound { .. }));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod backup;
mod clock;
mod depot;
mod disk;
mod files;
mod health;
mod home;
mod inbox;
mod journal;
mod kept;
mod layout;
mod logs;
mod meter;
mod scribe;
mod slots;
mod stage;

pub use backup::{
    BACKUPS_MAX, Backup, BackupError, Backups, Content, Keep, Listed, Loss, Made, Part, Pruned, Restored,
    Rules, SNAPSHOT_COMPONENTS, Skipped, Source as BackupSource, Staged, Trust, Verified, Wanted,
    finish_restore, is_cut_short, kept_of, put_in_place, sweep_restore,
};
pub use depot::{
    Cleaned, Depot, DepotError, DepotFound, DepotLock, DepotLockError, Holding, Inspected, Intake, Stocked,
    Taken, lock_depot,
};
pub use disk::{Disk, LocalDisk};
pub use files::{WriteError, WriteStep, sweep_leftovers, write_whole};
pub use health::{Admission, CloseError, Counts, FlushError, Health, Trouble};
pub use home::{HomeLock, LockError, is_locked, lock_home};
pub use journal::{
    BootId, BootIdError, Digest, Entry, Flaw, Found, Journal, JournalError, JournalLimits, JournalReader,
    Opened, Order, Page, Query, Verdict,
};
pub use kept::{KEPT_BYTES_MAX, Kept, KeptError, KeptStates};
pub use layout::LayoutError;
pub use logs::{
    Case, Grep, Level, LogCursor, LogEntry, LogError, LogLimits, LogLine, LogPage, LogQuery, Logs,
    LogsOptions, OnHealth, PageEnd, Said, Source, follow_logs, read_logs,
};
pub use meter::Meter;
pub use scribe::{Notice, OnNotice, Scribe, ScribeOptions};
pub use slots::{SlotsFile, SlotsFileError, SlotsFound};
pub use stage::{StageError, stage_package};
