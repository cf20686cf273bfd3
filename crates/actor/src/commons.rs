//! What all cores and threads of a system share beside the table of actors: names, groups, wards, books.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::deadletters::{DeadBook, RECORDS};
use crate::groups::Groups;
use crate::registry::Names;
use crate::revoke::Wards;
use crate::trace::{TraceWriter, trace};

/// One per system.
pub(crate) struct Commons {
    pub(crate) names: Names,
    pub(crate) groups: Groups,
    pub(crate) wards: Wards,
    /// One for each core.
    pub(crate) dead: Box<[DeadBook]>,
}

impl Commons {
    /// For so many cores, and what each core writes its dead letters to.
    pub(crate) fn new(cores: usize) -> (Self, Vec<TraceWriter>) {
        let (writers, readers): (Vec<_>, Vec<_>) = (0..cores).map(|_| trace(RECORDS)).unzip();
        let dead = readers.into_iter().map(DeadBook::new).collect();
        let commons =
            Self { names: Names::default(), groups: Groups::default(), wards: Wards::default(), dead };
        (commons, writers)
    }
}
