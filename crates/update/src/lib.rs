//! What a new version of a module is, and whether it may become the active one; bytes in, values out.
//!
//! # What is and isn't in this crate
//! - [`Cuts`] cuts a file where its content says so, [`TreeBuilder`] and [`Node`] tie the chunks to one name, [`Bale`]
//!   is the file that holds many of them: slots, deltas and backups share bytes.
//! - [`PackageReader`] reads a package and refuses whatever is not in its one form, [`write_package`] writes one.
//! - `trust` (feature) says who may vouch for a package: keys, roles, expiry, versions.
//! - [`Slots`] say which version is active, which one is on its way and which one is the way back; a [`Release`] is a
//!   version as it is kept.
//! - [`plan()`] says beforehand what an update changes, who notices, and why it is not done; [`breaches`] compares what
//!   two versions of a service promise.
//! - [`Digests`] are the two hashes by which a file of a package is known.
//!
//! Not here: files, folders, clocks, chance. `store` keeps what is defined here on a disk; time enters as an argument.
//!
//! # The flow
//! ```text
//! bytes ──Cuts──▶ chunks ──ChunkId──▶ new ones ──BaleWriter──▶ one bale
//!                    └──TreeBuilder──▶ nodes (chunks too) ──▶ FileRef: the name of the whole file
//! ```
//!
//! # Invariants
//! - What is read is checked: a chunk has the hash it is named by, a node is not longer than it may be, an index is
//!   what was written, or there is no value at all.
//! - Nothing that is read from outside can make this crate allocate more than a named limit.
//!
//! # Example
//! ```
//! use update::{Cuts, End, ChunkId, Link, TreeBuilder};
//!
//! let bytes = vec![7_u8; 100_000];
//! let mut tree = TreeBuilder::default();
//! let mut nodes = Vec::new();
//! for chunk in Cuts::new(&bytes, End::Final) {
//!     tree.push(Link { id: ChunkId::of(chunk), bytes: chunk.len() as u64 }, &mut |node| nodes.push(node.to_vec()));
//! }
//! let file = tree.finish(&mut |node| nodes.push(node.to_vec()));
//! assert_eq!(file.bytes, 100_000);
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod bale;
mod chunk;
mod contract;
mod digest;
mod package;
mod plan;
mod release;
mod slots;
mod tree;
#[cfg(feature = "trust")]
pub mod trust;

pub use bale::{
    BALE_BYTES_MAX, BALE_HEAD, Bale, BaleEntry, BaleFlaw, BaleId, BaleTail, BaleWriter, Form, Press,
    TAIL_BYTES,
};
pub use chunk::{CHUNK_BYTES_MAX, CHUNK_BYTES_MEAN, CHUNK_BYTES_MIN, ChunkId, Cuts, End};
pub use contract::{Breach, Contract, Method, breaches};
pub use digest::{Digester, Digests};
pub use package::{
    FILES_MAX, Head, HeadFlaw, PackageError, PackageFile, PackageReader, PackedFile, PackedPath, PathFlaw,
    RATIO_MAX, Rights, Slice, UNPACKED_BYTES_MAX, write_package,
};
pub use plan::{
    Affected, Doubt, Facts, FileChanges, ModulePlan, Obstacle, Plan, Question, Source, Strategy, Wish, plan,
};
pub use release::{RELEASE_BYTES_MAX, Release, ReleaseFile, ReleaseFlaw};
pub use slots::{
    Change, Ended, ModuleSlots, Occupant, Outcome, Phase, Slots, SlotsError, SlotsUnreadable, Step,
    Transaction, TransactionId,
};
pub use tree::{DEPTH_MAX, FILE_BYTES_MAX, FileRef, Link, Node, TreeBuilder, TreeFlaw};
