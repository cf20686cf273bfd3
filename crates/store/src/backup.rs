//! Backups: what a home's components held at some moment, over the chunks of the [depot](crate::Depot).
//!
//! ```text
//! state/backups/<number>.backup   what was backed up when: one line of JSON and its hash
//! state/backups/last/<component>  the newest list of a component's files, so that nothing unchanged is read
//! state/chunks                    the lists and the files themselves, shared with versions
//! ```
//! A backup counts once its record is there, and that is written after everything it names is durable. The lists beside
//! it are a copy for speed alone: each is held against the hash in the record, and is read from the depot if it is gone.
//!
//! A file whose size, inode, change and modification times are those of the last backup is not read again. One that
//! changed less than two seconds before it was read has no such mark, because its clock may not have moved since.

mod catalogue;
mod create;
mod error;
mod prune;
mod record;
mod restore;
mod retention;
mod scan;
mod shelf;
mod verify;

pub use catalogue::{Content, Listed};
pub use create::{Made, Source, Trust};
pub use error::BackupError;
pub use prune::{Pruned, Rules};
pub use record::{Backup, Part, SNAPSHOT_COMPONENTS, Skipped};
pub use restore::{Restored, Staged, Wanted, finish_restore, is_cut_short, put_in_place, sweep_restore};
pub use retention::{Keep, kept_of};
pub use shelf::{BACKUPS_MAX, Backups};
pub use verify::{Loss, Verified};
