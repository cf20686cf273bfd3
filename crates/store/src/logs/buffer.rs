//! The log lines that wait for the writing thread.

use std::collections::HashMap;
use std::mem::{size_of, take};

use abi::{Generation, ModuleId, Wall};

use super::entry::{LogEntry, Said};
use crate::health::Admission;
use crate::inbox::Buffer;

/// 16,384 lines: a tenth of a second of what a machine can say at its worst.
pub(super) const LINES_MAX: usize = 16_384;

/// 2 MiB: what the waiting lines may take of the host's memory; as much again is with the thread.
pub(super) const BYTES_MAX: usize = 2 << 20;

/// One module may take a quarter of either, so that a flood loses its own lines first.
pub(super) const SHARES: usize = 4;

/// 256 lines: what an emptied list keeps room for, so that quiet times don't pay for a burst's memory.
const SPARE_LINES: usize = 256;

/// What one module has waiting here.
#[derive(Debug, Default)]
struct Share {
    lines: usize,
    bytes: usize,
    loss: Option<Loss>,
}

/// Lines of one module that found no room, one after the other.
#[derive(Debug)]
struct Loss {
    count: u64,
    generation: Generation,
    ts: Wall,
}

/// What waits. A module that lost a line gets no further one in until what waits was taken, so that the count of the
/// lost ones stands at their place.
#[derive(Debug, Default)]
pub(super) struct LogBuffer {
    lines: Vec<LogEntry>,
    bytes: usize,
    shares: HashMap<ModuleId, Share>,
}

impl LogBuffer {
    /// Swaps the waiting lines into the empty list `into`, and appends what was lost; gives how many entries those are.
    pub(super) fn take(&mut self, into: &mut Vec<LogEntry>) -> u64 {
        into.clear();
        into.shrink_to(SPARE_LINES);
        std::mem::swap(&mut self.lines, into);
        self.bytes = 0;
        let waited = into.len();
        let shares = take(&mut self.shares);
        into.extend(shares.into_iter().filter_map(|(module, share)| {
            let loss = share.loss?;
            Some(LogEntry { module, generation: loss.generation, ts: loss.ts, said: Said::Lost(loss.count) })
        }));
        (into.len() - waited) as u64
    }
}

impl Buffer for LogBuffer {
    type Item = LogEntry;

    fn push(&mut self, entry: LogEntry) -> Admission {
        let bytes = bytes_of(&entry);
        let room = self.lines.len() < LINES_MAX && self.bytes + bytes <= BYTES_MAX;
        // Looked up before it is inserted: a module that is known costs no copy of its name.
        if !self.shares.contains_key(&entry.module) {
            self.shares.insert(entry.module.clone(), Share::default());
        }
        let Some(share) = self.shares.get_mut(&entry.module) else { return Admission::Lost };
        let fair = share.lines < LINES_MAX / SHARES && share.bytes + bytes <= BYTES_MAX / SHARES;
        if room && fair && share.loss.is_none() {
            share.lines += 1;
            share.bytes += bytes;
            self.bytes += bytes;
            self.lines.push(entry);
            return Admission::Queued;
        }
        let loss = share.loss.get_or_insert(Loss { count: 0, generation: entry.generation, ts: entry.ts });
        // A count that was handed over as such stands for as many lines.
        loss.count += match entry.said {
            Said::Line(_) => 1,
            Said::Lost(count) => count,
        };
        loss.generation = entry.generation;
        loss.ts = entry.ts;
        Admission::Lost
    }

    fn is_empty(&self) -> bool {
        // Every loss has its share.
        self.lines.is_empty() && self.shares.is_empty()
    }
}

/// What an entry takes in memory, near enough.
fn bytes_of(entry: &LogEntry) -> usize {
    let texts = match &entry.said {
        Said::Lost(_) => 0,
        Said::Line(line) => {
            line.msg.len()
                + line.data.as_ref().map_or(0, String::len)
                + line.topic.as_ref().map_or(0, String::len)
        }
    };
    size_of::<LogEntry>() + texts
}

#[cfg(test)]
mod tests;
