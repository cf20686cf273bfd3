//! The depot: chunks by their names, in bales, so that versions, deltas and backups share bytes.
//!
//! A depot is a folder of bales (`<name>.bale`), each written once. One process at a time opens it; the home's lock sees
//! to that.
//! A bale is written aside, synced, read back, renamed, and its folder synced, before its chunks count as stored. Chunks
//! that nobody refers to are no harm: the next cleaning removes them.
//! Cleaning moves what is needed into new bales before it removes old ones, so that at every instant all that was
//! stored is there.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use update::{
    BaleEntry, BaleId, BaleTail, ChunkId, FileRef, Link, Node, Press, RELEASE_BYTES_MAX, Release, TAIL_BYTES,
    TreeFlaw,
};

use crate::disk::Disk;

mod clean;
mod error;
mod intake;
mod lock;

pub use clean::{Cleaned, Inspected};
pub use error::DepotError;
pub use intake::{Intake, Stocked, Taken};
pub use lock::{DepotLock, DepotLockError, lock_depot};

/// What ends the name of a bale.
const BALE: &str = ".bale";

/// What ends the name of a bale that is being written.
const ASIDE: &str = ".bale-new";

/// What ends the name of a file that was meant to be a bale and is none: kept for whoever wants to look.
const DAMAGED: &str = ".damaged";

/// 4 Mi chunks: 64 GiB of content, some 500 MiB of memory for their places; beyond that the depot takes no more.
const CHUNKS_MAX: usize = 4 << 20;

/// Where a chunk is.
#[derive(Debug, Clone, Copy)]
struct Place {
    bale: BaleId,
    entry: BaleEntry,
}

/// Chunks on a disk.
#[derive(Debug)]
pub struct Depot {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    places: HashMap<ChunkId, Place>,
    /// Every bale with the chunks in it; one chunk may lie in several after a cleaning was cut short.
    bales: BTreeMap<BaleId, Vec<ChunkId>>,
    press: Press,
}

/// What was found when a depot was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepotFound {
    /// Bales that are whole.
    pub bales: usize,
    /// Different chunks in them.
    pub chunks: usize,
    /// Files that a crash had left half written; they are removed.
    pub leftovers: usize,
    /// Bales that could not be read, under their new names; what was in them is stored again when it is next staged.
    pub damaged: Vec<PathBuf>,
}

impl Depot {
    /// Opens the depot in a folder, which is made if it is missing: reads the index of every bale, sets aside what is
    /// damaged and removes what a crash left half written.
    ///
    /// # Errors
    /// `Disk` when the folder can't be read or a file not be set aside; `Full` when it holds too many chunks.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path) -> Result<(Self, DepotFound), DepotError> {
        let press = Press::new().map_err(DepotError::Compressor)?;
        let mut depot =
            Self { disk, folder: folder.to_owned(), places: HashMap::new(), bales: BTreeMap::new(), press };
        depot.disk.make_folder(folder).map_err(depot.failed("make the folder", folder))?;
        let files = depot.disk.list(folder).map_err(depot.failed("read the folder", folder))?;
        let mut found = DepotFound::default();
        for (name, length) in files {
            let path = folder.join(&name);
            if name.ends_with(ASIDE) {
                depot.disk.remove(&path).map_err(depot.failed("remove", &path))?;
                found.leftovers += 1;
            } else if let Some(stem) = name.strip_suffix(BALE) {
                match depot.read_index(&path, length, stem)? {
                    Some((id, entries)) => depot.remember(id, &entries)?,
                    None => found.damaged.push(depot.set_aside(&path)?),
                }
            }
        }
        (found.bales, found.chunks) = (depot.bales.len(), depot.places.len());
        Ok((depot, found))
    }

    /// The index of one bale; nothing when the file is none, or not the one of its name.
    fn read_index(
        &self,
        path: &Path,
        length: u64,
        stem: &str,
    ) -> Result<Option<(BaleId, Vec<BaleEntry>)>, DepotError> {
        let Some(tail_at) = length.checked_sub(TAIL_BYTES as u64) else { return Ok(None) };
        let read = |at, length| self.disk.read_at(path, at, length).map_err(self.failed("read", path));
        let tail = read(tail_at, TAIL_BYTES)?;
        let Some(Ok(tail)) = tail.first_chunk().map(|tail| BaleTail::parse(tail, length)) else {
            return Ok(None);
        };
        if tail.id().to_string() != stem {
            return Ok(None);
        }
        let (at, length) = tail.index_span();
        let index = read(at, length)?;
        Ok(tail.entries(&index).ok().map(|entries| (tail.id(), entries)))
    }

    fn set_aside(&self, path: &Path) -> Result<PathBuf, DepotError> {
        let mut name = path.as_os_str().to_owned();
        name.push(DAMAGED);
        let aside = PathBuf::from(name);
        self.disk.rename(path, &aside).map_err(self.failed("set aside", path))?;
        self.disk.sync_folder(&self.folder).map_err(self.failed("make durable", &self.folder))?;
        Ok(aside)
    }

    fn remember(&mut self, bale: BaleId, entries: &[BaleEntry]) -> Result<(), DepotError> {
        for entry in entries {
            self.places.entry(entry.id).or_insert(Place { bale, entry: *entry });
        }
        self.bales.insert(bale, entries.iter().map(|entry| entry.id).collect());
        if self.places.len() > CHUNKS_MAX {
            return Err(DepotError::Full { chunks_max: CHUNKS_MAX });
        }
        Ok(())
    }

    /// Begins to store; what is taken counts as stored once [`Intake::finish`] says so.
    pub fn intake(&mut self) -> Intake<'_> {
        Intake::new(self)
    }

    /// Writes the bytes of a file to `sink`, each of them checked.
    ///
    /// # Errors
    /// `Missing`, `Damaged` or `Tree` when the file is not there as it was stored, `Disk`, `Sink`; bytes that came
    /// before the error were written.
    pub fn read(&mut self, file: &FileRef, sink: &mut dyn Write) -> Result<(), DepotError> {
        self.walk(file, &mut |depot, link, depth| {
            if depth == 0 {
                let bytes = depot.chunk(&link.id)?;
                if bytes.len() as u64 != link.bytes {
                    return Err(DepotError::Tree { file: *file, source: TreeFlaw::Length });
                }
                sink.write_all(&bytes).map_err(DepotError::Sink)?;
            }
            Ok(())
        })
    }

    /// Whether every chunk of a file is there; it is not read.
    ///
    /// # Errors
    /// As [`Depot::read`], if what leads to the chunks can't be read.
    pub fn holds(&mut self, file: &FileRef) -> Result<Holding, DepotError> {
        let mut missing = 0;
        let walked = self.walk(file, &mut |depot, link, depth| {
            if depth == 0 && !depot.places.contains_key(&link.id) {
                missing += 1;
            }
            Ok(())
        });
        match walked {
            Ok(()) if missing == 0 => Ok(Holding::Whole),
            Ok(()) | Err(DepotError::Missing { .. }) => Ok(Holding::Partly),
            Err(error) => Err(error),
        }
    }

    /// The files of releases, and the releases themselves: what [`Depot::clean`] has to keep for slots that need these.
    ///
    /// # Errors
    /// As [`Depot::read`]; `Release` when a file is none.
    pub fn releases(&mut self, releases: &[FileRef]) -> Result<Vec<FileRef>, DepotError> {
        let mut files = releases.to_vec();
        for release in releases {
            files.extend(self.release(release)?.files.iter().map(|file| file.content));
        }
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// A release that was stored.
    ///
    /// # Errors
    /// As [`Depot::read`]; `Release` when the file is none.
    pub fn release(&mut self, release: &FileRef) -> Result<Release, DepotError> {
        if release.bytes > RELEASE_BYTES_MAX {
            return Err(DepotError::Release { file: *release });
        }
        let mut text = Vec::new();
        self.read(release, &mut text)?;
        Release::parse(&text).map_err(|_| DepotError::Release { file: *release })
    }

    /// Visits every link of a file's tree, chunks in the order of the file, nodes before what is below them.
    fn walk(
        &mut self,
        file: &FileRef,
        visit: &mut dyn FnMut(&mut Self, Link, u8) -> Result<(), DepotError>,
    ) -> Result<(), DepotError> {
        let strange = |source| DepotError::Tree { file: *file, source };
        let Some(top) = file.top().map_err(strange)? else { return Ok(()) };
        // At most 256 links for each of 8 levels wait here.
        let mut waiting = vec![(top, file.depth)];
        while let Some((link, depth)) = waiting.pop() {
            visit(self, link, depth)?;
            if depth > 0 {
                let text = self.chunk(&link.id)?;
                let node = Node::parse(&text, depth, link.bytes).map_err(strange)?;
                waiting.extend(node.links.into_iter().rev().map(|link| (link, depth - 1)));
            }
        }
        Ok(())
    }

    /// The bytes of one chunk, checked.
    fn chunk(&mut self, id: &ChunkId) -> Result<Vec<u8>, DepotError> {
        let Some(place) = self.places.get(id).copied() else {
            return Err(DepotError::Missing { chunk: *id });
        };
        let stored = self.stored(&place)?;
        let damaged = |source| DepotError::Damaged { chunk: *id, source };
        self.press.unpack(&place.entry, &stored).map_err(damaged)
    }

    /// The bytes that stand for a chunk in its bale.
    fn stored(&self, place: &Place) -> Result<Vec<u8>, DepotError> {
        let path = self.path_of(&place.bale);
        let length = place.entry.stored as usize;
        self.disk.read_at(&path, place.entry.at, length).map_err(self.failed("read", &path))
    }

    fn path_of(&self, bale: &BaleId) -> PathBuf {
        self.folder.join(format!("{bale}{BALE}"))
    }

    /// Makes an error of one of the disk.
    fn failed(&self, doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DepotError + use<> {
        let path = path.to_owned();
        move |source| DepotError::Disk { doing, path, source }
    }
}

/// How much of a file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// All of it.
    Whole,
    /// Not all, or none.
    Partly,
}
