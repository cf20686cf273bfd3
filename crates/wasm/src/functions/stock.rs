//! What is known of the compiled forms on disk: their bytes, and in which order they were used.
//!
//! The order survives a restart in the files' times of change, which here are not times but turns: one second after
//! 1970 for each use. A clock that jumps can't mix them up, and every file system keeps whole seconds.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::content::ContentId;

/// One billion turns, far below the 2^31 seconds of the oldest file systems: what a start finds above, such as a file
/// that somebody touched, has all of them numbered anew.
const TURN_MAX_AT_START: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy)]
struct Kept {
    bytes: u64,
    turn: u64,
    /// Whether its file says this turn.
    is_written: bool,
}

/// The compiled forms of one engine.
#[derive(Debug, Default)]
pub(super) struct Stock {
    files: BTreeMap<ContentId, Kept>,
    bytes: u64,
    turn: u64,
}

impl Stock {
    /// What was found, the longest unused first.
    pub(super) fn of(found: Vec<(ContentId, u64, Option<SystemTime>)>) -> Self {
        let turns: Vec<_> = found.iter().map(|(_, _, stamped)| stamped.and_then(turn_of)).collect();
        let is_anew = turns.iter().any(|turn| turn.is_none_or(|turn| turn > TURN_MAX_AT_START));
        let mut stock = Self::default();
        for ((id, bytes, _), stamped) in found.into_iter().zip(turns) {
            // Two of one second keep the order in which they were found.
            let next = stock.turn + 1;
            let turn = stamped.filter(|_| !is_anew).map_or(next, |stamped| stamped.max(next));
            stock.turn = turn;
            stock.bytes = stock.bytes.saturating_add(bytes);
            stock.files.insert(id, Kept { bytes, turn, is_written: stamped == Some(turn) });
        }
        stock
    }

    /// Adds a file and gives those that have to go for it: the least recently used, never the new one.
    pub(super) fn add(&mut self, id: ContentId, bytes: u64, bytes_max: u64) -> Vec<ContentId> {
        self.remove(&id);
        self.turn += 1;
        self.files.insert(id, Kept { bytes, turn: self.turn, is_written: false });
        self.bytes = self.bytes.saturating_add(bytes);
        let mut gone = Vec::new();
        while self.bytes > bytes_max && self.files.len() > 1 {
            let Some(oldest) = self.files.iter().min_by_key(|(_, kept)| kept.turn).map(|(id, _)| *id) else {
                break;
            };
            self.remove(&oldest);
            gone.push(oldest);
        }
        gone
    }

    /// It was used now.
    pub(super) fn touch(&mut self, id: &ContentId) {
        if let Some(kept) = self.files.get_mut(id) {
            self.turn += 1;
            (kept.turn, kept.is_written) = (self.turn, false);
        }
    }

    pub(super) fn remove(&mut self, id: &ContentId) {
        if let Some(kept) = self.files.remove(id) {
            self.bytes = self.bytes.saturating_sub(kept.bytes);
        }
    }

    /// How many there are, and their bytes.
    pub(super) fn size(&self) -> (usize, u64) {
        (self.files.len(), self.bytes)
    }

    pub(super) fn contents(&self) -> Vec<ContentId> {
        self.files.keys().copied().collect()
    }

    /// Those whose files say another turn than theirs, which count as written from now on.
    pub(super) fn take_unwritten(&mut self) -> Vec<(ContentId, SystemTime)> {
        let unwritten = self.files.iter_mut().filter(|(_, kept)| !kept.is_written);
        unwritten
            .map(|(id, kept)| {
                kept.is_written = true;
                (*id, UNIX_EPOCH + Duration::from_secs(kept.turn))
            })
            .collect()
    }
}

fn turn_of(stamped: SystemTime) -> Option<u64> {
    stamped.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

#[cfg(test)]
mod tests;
