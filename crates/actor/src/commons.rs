//! What all cores and threads of a system share beside the table of actors: names, groups, wards, books.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::address::Addr;
use crate::deadletters::{DeadBook, RECORDS};
use crate::groups::Groups;
use crate::lock::Lock;
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
    /// For observers: each supervised actor with its supervisor, by its place.
    pub(crate) supervisors: Lock<BTreeMap<u32, (Addr, Addr)>>,
    /// How often each actor was over its quota, by its place.
    pub(crate) excesses: Lock<BTreeMap<u32, (Addr, u64)>>,
}

impl Commons {
    /// For so many cores, and what each core writes its dead letters to.
    pub(crate) fn new(cores: usize) -> (Self, Vec<TraceWriter>) {
        let (writers, readers): (Vec<_>, Vec<_>) = (0..cores).map(|_| trace(RECORDS)).unzip();
        let dead = readers.into_iter().map(DeadBook::new).collect();
        let commons = Self {
            names: Names::default(),
            groups: Groups::default(),
            wards: Wards::default(),
            dead,
            supervisors: Lock::new(BTreeMap::new()),
            excesses: Lock::new(BTreeMap::new()),
        };
        (commons, writers)
    }
}
