//! The records that wait for the scribe.

use std::mem::{size_of, take};

use abi::{Fact, Record, Wall};

use crate::health::Admission;
use crate::inbox::Buffer;

/// 8,192 records: what a machine decides in the second between two tries of a failing disk, with room to spare.
pub(super) const RECORDS_MAX: usize = 8192;

/// 2 MiB: what the waiting records may take of the host's memory; as much again is with the thread.
pub(super) const BYTES_MAX: usize = 2 << 20;

/// 256 records: what an emptied list keeps room for, so that quiet times don't pay for a burst's memory.
const SPARE_RECORDS: usize = 256;

/// Records that found no room, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) count: u64,
    /// When the first of them was decided.
    pub(super) since: Wall,
    /// When the last was.
    pub(super) until: Wall,
}

/// What waits. When it is full nothing more is let in until it was taken, so that what is missing is one gap.
#[derive(Debug, Default)]
pub(crate) struct RecordBuffer {
    records: Vec<(Wall, Record)>,
    bytes: usize,
    loss: Option<Loss>,
}

impl RecordBuffer {
    /// Swaps the waiting records into the empty list `into`, and gives what was lost after them.
    pub(super) fn take(&mut self, into: &mut Vec<(Wall, Record)>) -> Option<Loss> {
        into.clear();
        into.shrink_to(SPARE_RECORDS);
        std::mem::swap(&mut self.records, into);
        self.bytes = 0;
        take(&mut self.loss)
    }
}

impl Buffer for RecordBuffer {
    type Item = (Wall, Record);

    fn push(&mut self, (wall, record): Self::Item) -> Admission {
        let bytes = bytes_of(&record);
        if self.loss.is_none() && self.records.len() < RECORDS_MAX && self.bytes + bytes <= BYTES_MAX {
            self.bytes += bytes;
            self.records.push((wall, record));
            return Admission::Queued;
        }
        let loss = self.loss.get_or_insert(Loss { count: 0, since: wall, until: wall });
        loss.count += 1;
        loss.until = wall;
        Admission::Lost
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.loss.is_none()
    }
}

/// What a record takes in memory, near enough.
fn bytes_of(record: &Record) -> usize {
    let texts: usize = record
        .facts
        .iter()
        .map(|(_, fact)| match fact {
            Fact::Number(_) => 0,
            Fact::Text(text) => text.len(),
        })
        .sum();
    size_of::<(Wall, Record)>() + record.facts.len() * size_of::<(&str, Fact)>() + texts
}

#[cfg(test)]
mod tests;
