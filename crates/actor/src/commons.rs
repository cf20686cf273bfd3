//! What all cores and threads of a system share beside the table of actors: names, groups, wards, books.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU64;

use crate::address::Addr;
use crate::deadletters::{DeadBook, RECORDS};
use crate::groups::Groups;
use crate::lock::Lock;
use crate::registry::Names;
use crate::revoke::Wards;
use crate::trace::{TraceReader, TraceWriter, trace};
use crate::tracing::{HAPPENINGS, SPAN_RECORDS};

/// What a core writes to.
pub(crate) struct Books {
    pub(crate) dead: TraceWriter,
    pub(crate) happenings: TraceWriter,
    pub(crate) spans: TraceWriter,
}

/// One per system.
pub(crate) struct Commons {
    pub(crate) names: Names,
    pub(crate) groups: Groups,
    pub(crate) wards: Wards,
    /// One for each core.
    pub(crate) dead: Box<[DeadBook]>,
    /// What each core did lately, and the requests in it.
    pub(crate) happenings: Box<[TraceReader]>,
    pub(crate) spans: Box<[TraceReader]>,
    /// How many requests were ever begun.
    pub(crate) requests: AtomicU64,
    /// For observers: each supervised actor with its supervisor, by its place.
    pub(crate) supervisors: Lock<BTreeMap<u32, (Addr, Addr)>>,
    /// How often each actor was over its quota, by its place.
    pub(crate) excesses: Lock<BTreeMap<u32, (Addr, u64)>>,
}

impl Commons {
    /// For so many cores, and what each core writes to.
    pub(crate) fn new(cores: usize) -> (Self, Vec<Books>) {
        let books = |records| -> (Vec<_>, Vec<_>) { (0..cores).map(|_| trace(records)).unzip() };
        let (dead, readers) = books(RECORDS);
        let (happenings, happened) = books(HAPPENINGS);
        let (spans, spanned) = books(SPAN_RECORDS);
        let writers = dead.into_iter().zip(happenings).zip(spans);
        let writers = writers.map(|((dead, happenings), spans)| Books { dead, happenings, spans }).collect();
        let dead = readers.into_iter().map(DeadBook::new).collect();
        let commons = Self {
            names: Names::default(),
            groups: Groups::default(),
            wards: Wards::default(),
            dead,
            happenings: happened.into(),
            spans: spanned.into(),
            requests: AtomicU64::new(0),
            supervisors: Lock::new(BTreeMap::new()),
            excesses: Lock::new(BTreeMap::new()),
        };
        (commons, writers)
    }
}
