//! Cleaning: what no slot, backup or pin needs goes, and what is needed stays, whenever the power goes.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use update::{BALE_HEAD, BaleId, BaleWriter, ChunkId, FileRef};

use super::{Depot, DepotError};
use crate::meter::Meter;

/// Half of a bale's chunks: with fewer in use it is written anew without the rest.
const IN_USE_MIN: f64 = 0.5;

/// 32 bales with less than [`SMALL_BYTES`] each are joined: opening costs two reads a bale.
const SMALL_BALES_MAX: usize = 32;

/// 1 MiB: what an update of one module usually stays below.
const SMALL_BYTES: u64 = 1 << 20;

/// What a cleaning did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Chunks that nothing needed.
    pub chunks_removed: u64,
    /// Bales that are gone.
    pub bales_removed: u64,
    /// Bales that were written with what is still needed of them.
    pub bales_written: u64,
}

/// What an inspection found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    /// Chunks that were read.
    pub chunks: usize,
    /// Those among them that are no longer what their names say.
    pub damaged: Vec<ChunkId>,
    /// The bales that held them, under their new names.
    pub aside: Vec<PathBuf>,
    /// Bales that were damaged where no chunk lies, and were written anew as they had been.
    pub repaired: usize,
}

impl Depot {
    /// Removes what none of the files in `keep` needs. The caller names every file that a slot, a backup or a pin
    /// refers to.
    ///
    /// # Errors
    /// `Missing`, `Damaged` or `Tree` when a file of `keep` can't be followed: nothing is removed then. `Disk` and
    /// `ReadBack` in the middle: what is needed is there all the same.
    pub fn clean(&mut self, keep: &[FileRef]) -> Result<Cleaned, DepotError> {
        let mut needed = HashSet::new();
        for file in keep {
            self.walk(file, &mut |_, link, _| {
                needed.insert(link.id);
                Ok(())
            })?;
        }
        let before = self.places.len();
        let going = self.bales_to_go(&needed);
        let written = self.move_needed(&going, &needed)?;
        let mut cleaned = Cleaned { bales_written: written.len() as u64, ..Cleaned::default() };
        // A cleaning that was cut short had perhaps written the very bale that this one wrote.
        for bale in going.iter().filter(|bale| !written.contains(bale)) {
            self.remove_bale(bale)?;
            cleaned.bales_removed += 1;
        }
        if cleaned.bales_removed > 0 {
            self.disk.sync_folder(&self.folder).map_err(self.failed("make durable", &self.folder))?;
        }
        cleaned.chunks_removed = (before - self.places.len()) as u64;
        Ok(cleaned)
    }

    /// Reads every chunk. Bales with damaged ones are set aside, after what is sound in them was written anew: what is
    /// lost is stored again when a file that needs it is next staged. Costs as much as reading the whole depot.
    /// The meter counts chunks.
    ///
    /// # Errors
    /// `Disk` or `ReadBack` when a new bale can't be written or an old one not be set aside.
    pub fn inspect(&mut self, meter: &Meter) -> Result<Inspected, DepotError> {
        let mut inspected = Inspected { chunks: self.places.len(), ..Inspected::default() };
        let ids: Vec<ChunkId> = self.places.keys().copied().collect();
        let mut going = BTreeSet::new();
        meter.expect(ids.len() as u64);
        for id in ids {
            meter.add(1);
            let Some(place) = self.places.get(&id).copied() else { continue };
            if self.chunk(&id).is_err() {
                self.places.remove(&id);
                going.insert(place.bale);
                inspected.damaged.push(id);
            } else if !place.entry.is_as_stored(&self.stored(&place)?) {
                going.insert(place.bale);
            }
        }
        inspected.damaged.sort();
        let bales: Vec<BaleId> = self.bales.keys().copied().collect();
        for bale in bales {
            let path = self.path_of(&bale);
            // The first bytes are needed by nothing that reads a chunk, and changed all the same.
            if !self.disk.read_at(&path, 0, BALE_HEAD.len()).is_ok_and(|head| head == BALE_HEAD) {
                going.insert(bale);
            }
        }
        let sound: HashSet<ChunkId> = self.places.keys().copied().collect();
        let going: Vec<BaleId> = going.into_iter().collect();
        let written = self.move_needed(&going, &sound)?;
        inspected.repaired = going.iter().filter(|bale| written.contains(bale)).count();
        for bale in going.iter().filter(|bale| !written.contains(bale)) {
            inspected.aside.push(self.set_aside(&self.path_of(bale))?);
            self.forget(bale);
        }
        Ok(inspected)
    }

    /// Bales with too little that is needed, and small ones if there are many.
    fn bales_to_go(&self, needed: &HashSet<ChunkId>) -> Vec<BaleId> {
        let (mut going, mut small) = (Vec::new(), Vec::new());
        for (bale, chunks) in &self.bales {
            let lives_here = |id: &&ChunkId| {
                needed.contains(*id) && self.places.get(*id).is_some_and(|place| place.bale == *bale)
            };
            let in_use = chunks.iter().filter(lives_here).count();
            if in_use == 0 || (in_use as f64) < chunks.len() as f64 * IN_USE_MIN {
                going.push(*bale);
            } else if self.stored_bytes(chunks) < SMALL_BYTES {
                small.push(*bale);
            }
        }
        if small.len() > SMALL_BALES_MAX {
            going.extend(small);
        }
        going
    }

    fn stored_bytes(&self, chunks: &[ChunkId]) -> u64 {
        chunks.iter().filter_map(|id| self.places.get(id)).map(|place| u64::from(place.entry.stored)).sum()
    }

    /// Writes what is needed of the bales that go into new ones, as it is stored; gives the new ones.
    fn move_needed(
        &mut self,
        going: &[BaleId],
        needed: &HashSet<ChunkId>,
    ) -> Result<Vec<BaleId>, DepotError> {
        let (mut writer, mut written) = (BaleWriter::default(), Vec::new());
        for bale in going {
            for id in self.bales.get(bale).cloned().unwrap_or_default() {
                let Some(place) = self.places.get(&id).copied() else { continue };
                if place.bale != *bale || !needed.contains(&id) {
                    continue;
                }
                // Reading it checked costs little here and keeps damage from being copied under a new hash.
                let chunk = self.chunk(&id)?;
                let stored = self.stored(&place)?;
                if place.entry.is_as_stored(&stored) {
                    writer.push_as_is(&place.entry, &stored);
                } else {
                    writer.push(id, &chunk, &mut self.press);
                }
                if writer.is_full() {
                    written.push(self.write_bale(std::mem::take(&mut writer))?.id);
                }
            }
        }
        if !writer.is_empty() {
            written.push(self.write_bale(writer)?.id);
        }
        Ok(written)
    }

    /// Removes a bale and forgets what was only in it.
    fn remove_bale(&mut self, bale: &BaleId) -> Result<(), DepotError> {
        let path = self.path_of(bale);
        self.disk.remove(&path).map_err(self.failed("remove", &path))?;
        self.forget(bale);
        Ok(())
    }

    fn forget(&mut self, bale: &BaleId) {
        for id in self.bales.remove(bale).unwrap_or_default() {
            if self.places.get(&id).is_some_and(|place| place.bale == *bale) {
                self.places.remove(&id);
            }
        }
    }
}
