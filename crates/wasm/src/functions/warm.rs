//! Prepared functions in memory: the least recently used gives way when the weight is reached, the unused by age.
//!
//! Why not `moka`: it reads a clock of its own, so that age could not be an argument and a test would have to sleep;
//! it evicts some time after an insert, not with it; and a hit writes to a channel. What is needed is less: a few
//! thousand entries, where a hit takes a shared lock and two stores, and an eviction may look at all of them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use abi::Time;

use super::content::ContentId;

struct Entry<T> {
    value: Arc<T>,
    bytes: u64,
    /// The number of the last use: what is smallest was unused for longest, also within one millisecond.
    turn: AtomicU64,
    used_ms: AtomicU64,
}

struct Shelf<T> {
    entries: HashMap<ContentId, Entry<T>, BuildHasherDefault<Prefix>>,
    bytes: u64,
}

/// A content's name is a hash already, and who puts functions can't choose it freely: its first bytes are enough.
#[derive(Default)]
struct Prefix(u64);

impl Hasher for Prefix {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length that goes before: all have the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The cache. The weight is at most `bytes_max`, but for a single entry that is heavier by itself.
pub(super) struct Warm<T> {
    shelf: RwLock<Shelf<T>>,
    turn: AtomicU64,
    /// The turn up to which uses were told.
    told: Mutex<u64>,
    bytes_max: u64,
    idle_max: Duration,
}

impl<T> Warm<T> {
    pub(super) fn new(bytes_max: u64, idle_max: Duration) -> Self {
        let shelf = RwLock::new(Shelf { entries: HashMap::default(), bytes: 0 });
        Self { shelf, turn: AtomicU64::new(1), told: Mutex::new(0), bytes_max, idle_max }
    }

    /// The value, and it counts as used now. One that is too old is not given, even before `tidy` came by.
    pub(super) fn get(&self, now: Time, id: &ContentId) -> Option<Arc<T>> {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let entry = shelf.entries.get(id)?;
        if now.since(Time(entry.used_ms.load(Ordering::Relaxed))) > self.idle_max {
            return None;
        }
        // What was used last stays last without a further turn, which all cores would have to agree on.
        if entry.turn.load(Ordering::Relaxed) + 1 != self.turn.load(Ordering::Relaxed) {
            entry.turn.store(self.next_turn(), Ordering::Relaxed);
        }
        if entry.used_ms.load(Ordering::Relaxed) < now.0 {
            entry.used_ms.store(now.0, Ordering::Relaxed);
        }
        Some(Arc::clone(&entry.value))
    }

    /// Puts a value in and gives how many others had to go for it.
    pub(super) fn insert(&self, now: Time, id: ContentId, value: Arc<T>, bytes: u64) -> usize {
        let turn = AtomicU64::new(self.next_turn());
        let entry = Entry { value, bytes, turn, used_ms: AtomicU64::new(now.0) };
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        shelf.remove(&id);
        shelf.bytes += bytes;
        shelf.entries.insert(id, entry);
        let mut gone = 0;
        while shelf.bytes > self.bytes_max && shelf.entries.len() > 1 {
            let Some(oldest) = shelf.oldest() else { break };
            shelf.remove(&oldest);
            gone += 1;
        }
        gone
    }

    pub(super) fn remove(&self, id: &ContentId) {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// What was used since the last time that somebody asked, the latest last.
    pub(super) fn take_uses(&self) -> Vec<ContentId> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let turns = shelf.entries.iter().map(|(id, entry)| (entry.turn.load(Ordering::Relaxed), *id));
        let mut used: Vec<_> = turns.filter(|(turn, _)| *turn > *told).collect();
        used.sort_unstable();
        *told = used.last().map_or(*told, |(turn, _)| *turn);
        used.into_iter().map(|(_, id)| id).collect()
    }

    /// Drops what is too old and gives how many that were. What a clock that jumped back shows as used in the future
    /// ages from now on.
    pub(super) fn tidy(&self, now: Time) -> usize {
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        for entry in shelf.entries.values() {
            entry.used_ms.fetch_min(now.0, Ordering::Relaxed);
        }
        let is_old =
            |entry: &Entry<T>| now.since(Time(entry.used_ms.load(Ordering::Relaxed))) > self.idle_max;
        let old: Vec<_> =
            shelf.entries.iter().filter(|(_, entry)| is_old(entry)).map(|(id, _)| *id).collect();
        for id in &old {
            shelf.remove(id);
        }
        old.len()
    }

    /// How many there are, and what they weigh.
    pub(super) fn size(&self) -> (usize, u64) {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        (shelf.entries.len(), shelf.bytes)
    }

    fn next_turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }
}

impl<T> Shelf<T> {
    fn remove(&mut self, id: &ContentId) {
        if let Some(entry) = self.entries.remove(id) {
            self.bytes -= entry.bytes;
        }
    }

    fn oldest(&self) -> Option<ContentId> {
        let by_turn = |(_, entry): &(&ContentId, &Entry<T>)| entry.turn.load(Ordering::Relaxed);
        self.entries.iter().min_by_key(by_turn).map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests;
