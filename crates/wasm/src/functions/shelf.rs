//! The folder on disk: names, sources and compiled forms, each a sealed file that is whole at every instant.
//!
//! ```text
//! functions/            0700
//!   key                 0600, 32 random bytes
//!   names/NAME          who put it, what it may touch, which content
//!   sources/CONTENT     the binary form
//!   compiled/ENGINE-CONTENT
//! ```
//! Names and sources are what was asked to be kept: failing to write them fails the `put`, and nothing removes them but
//! a seal that does not hold. Compiled forms are only quicker: whatever is wrong with them is noticed, and they are made
//! again.
//!
//! One process at a time holds the folder, by a lock that its end releases however it ends. So what is half written at
//! a start was left by one that was killed, and no two of them clean up after each other.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::bounds::{COMPILED_BYTES_MAX, NAMES_MAX, RECORD_BYTES_MAX, SOURCE_BYTES_MAX};
use super::content::ContentId;
use super::error::FunctionError;
use super::mapped::Verified;
use super::notice::{Notice, NoticeKind, Notices};
use super::record::Function;
use super::seal::{Key, SEAL_BYTES, open_plain};
use super::stock::Stock;
use crate::engine::Engine;

/// How a file that is being written ends; what ends so after a start was left by a writer that was killed.
pub(super) const ASIDE_SUFFIX: &str = ".aside";

const NAMES: &str = "names";
const SOURCES: &str = "sources";
const COMPILED: &str = "compiled";

/// 100,000 entries of one folder are looked at, so that a folder that somebody filled does not hold up the start.
const ENTRIES_MAX: usize = 100_000;

/// Tells temporary files of one process apart.
static COUNTER: AtomicU64 = AtomicU64::new(0);

pub(super) struct Shelf {
    folder: PathBuf,
    key: Key,
    /// The hash of everything that decides whether compiled code fits: version, target, settings.
    engine_id: String,
    compiled: Mutex<Stock>,
    notices: Mutex<Notices>,
    /// Holds the lock of the folder.
    _held: File,
}

/// What is in a folder.
#[derive(Default)]
struct Listing {
    /// Sorted, without what is being written.
    names: Vec<String>,
    /// Whether these are all of them.
    is_whole: bool,
}

/// The functions on disk.
pub(super) struct Found {
    pub(super) functions: Vec<Function>,
    /// Whether every record was read, or dropped for good: only then is a source that none of them names nobody's.
    pub(super) is_whole: bool,
}

impl Shelf {
    pub(super) fn open(folder: &Path, engine: &Engine) -> Result<Self, FunctionError> {
        for path in [folder.to_owned(), folder.join(NAMES), folder.join(SOURCES), folder.join(COMPILED)] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|source| failed("making", &path, source))?;
        }
        let held = hold(folder)?;
        let key = Key::open(&folder.join("key"))?;
        let shelf = Self {
            folder: folder.to_owned(),
            key,
            engine_id: engine_id(engine),
            compiled: Mutex::default(),
            notices: Mutex::default(),
            _held: held,
        };
        shelf.sweep("");
        shelf.sweep(NAMES);
        shelf.sweep(SOURCES);
        shelf.sweep(COMPILED);
        shelf.take_stock();
        Ok(shelf)
    }

    /// All functions whose record is whole; what was changed is noticed and dropped, what can't be read stays.
    ///
    /// # Errors
    /// `FunctionError::Folder` when the folder of names can't be listed: to go on without them would free them all.
    pub(super) fn functions(&self) -> Result<Found, FunctionError> {
        let folder = self.folder.join(NAMES);
        let listing = self.listing(NAMES).map_err(|source| failed("listing", &folder, source))?;
        let mut found = Found { functions: Vec::new(), is_whole: listing.is_whole };
        for name in listing.names {
            let place = format!("{NAMES}/{name}");
            let Some(file) = self.read(&place, RECORD_BYTES_MAX) else {
                found.is_whole &= fs::symlink_metadata(self.folder.join(&place)).is_err();
                continue;
            };
            match self.key.unseal(&place, &file) {
                None => self.drop_file(&place, NoticeKind::Changed),
                Some(body) => match Function::from_bytes(body) {
                    Some(function) if function.name.as_str() == name && found.functions.len() < NAMES_MAX => {
                        found.functions.push(function);
                    }
                    // Kept where it is: another version may be able to read it.
                    _ => {
                        found.is_whole = false;
                        self.notice(&place, NoticeKind::NameLost);
                    }
                },
            }
        }
        Ok(found)
    }

    /// Writes a function's record.
    pub(super) fn keep_function(&self, function: &Function) -> Result<(), FunctionError> {
        let too_large = FunctionError::RecordTooLarge { max_bytes: RECORD_BYTES_MAX };
        let body = function.to_bytes().ok_or(too_large)?;
        self.write(&format!("{NAMES}/{}", function.name), &body)
    }

    /// Takes a name away; what it led to stays until `forget`.
    pub(super) fn remove_function(&self, function: &Function) -> Result<(), FunctionError> {
        let path = self.folder.join(NAMES).join(function.name.as_str());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removing", &path, error)),
            _ => sync_folder(&self.folder.join(NAMES)).map_err(|error| failed("removing", &path, error)),
        }
    }

    /// Writes a source, if it is not there as it should be.
    pub(super) fn keep_source(&self, id: &ContentId, binary: &[u8]) -> Result<(), FunctionError> {
        if self.source(id).is_some() { Ok(()) } else { self.write(&format!("{SOURCES}/{id}"), binary) }
    }

    /// A source, whole and unchanged.
    pub(super) fn source(&self, id: &ContentId) -> Option<Vec<u8>> {
        let place = format!("{SOURCES}/{id}");
        let mut file = self.read(&place, SOURCE_BYTES_MAX)?;
        if self.key.unseal(&place, &file).is_none() {
            self.drop_file(&place, NoticeKind::Changed);
            return None;
        }
        file.drain(..SEAL_BYTES);
        Some(file)
    }

    /// Writes a compiled form, and makes room for it. Failing is noticed, nothing more.
    pub(super) fn keep_compiled(&self, id: &ContentId, code: &[u8], bytes_max: u64) {
        let place = self.compiled_place(id);
        if code.len() > COMPILED_BYTES_MAX || self.write(&place, code).is_err() {
            return self.notice(&place, NoticeKind::NotKept);
        }
        let gone = self.stock().add(*id, (code.len() + SEAL_BYTES) as u64, bytes_max);
        for id in gone {
            let _ = fs::remove_file(self.folder.join(self.compiled_place(&id)));
        }
    }

    /// A compiled form whose seal holds. A file that is not what was written is dropped, and noticed.
    pub(super) fn compiled(&self, id: &ContentId) -> Option<Verified> {
        let place = self.compiled_place(id);
        let file = self.read(&place, COMPILED_BYTES_MAX)?;
        let verified = Verified::check(&self.key, &place, file);
        match verified {
            Some(_) => self.stock().touch(id),
            None => self.drop_compiled(id, NoticeKind::Changed),
        }
        verified
    }

    /// Drops a compiled form that can't be used.
    pub(super) fn drop_compiled(&self, id: &ContentId, kind: NoticeKind) {
        self.stock().remove(id);
        self.drop_file(&self.compiled_place(id), kind);
    }

    /// Drops source and compiled form of a content that no name leads to any more.
    pub(super) fn forget(&self, id: &ContentId) {
        self.stock().remove(id);
        // What can't be removed is dropped at the next start's stock-taking, or overwritten.
        let _ = fs::remove_file(self.folder.join(self.compiled_place(id)));
        let _ = fs::remove_file(self.folder.join(format!("{SOURCES}/{id}")));
    }

    /// Drops the sources and compiled forms to which no name leads: left by a kill between two writes.
    pub(super) fn forget_orphans(&self, is_named: impl Fn(&ContentId) -> bool) -> usize {
        let listing = self.listing(SOURCES).unwrap_or_default();
        let sources = listing.names.iter().filter_map(|name| ContentId::parse(name));
        let compiled = self.stock().contents();
        let orphans: Vec<_> = sources.chain(compiled).filter(|id| !is_named(id)).collect();
        for id in &orphans {
            self.forget(id);
        }
        orphans.len()
    }

    /// How many compiled forms there are, and their bytes.
    pub(super) fn size(&self) -> (usize, u64) {
        self.stock().size()
    }

    /// Learns that these were used, the latest last; `keep_order` writes it down.
    pub(super) fn used(&self, ids: &[ContentId]) {
        let mut stock = self.stock();
        for id in ids {
            stock.touch(id);
        }
    }

    /// Writes down which compiled forms were used since the last time, so that a start knows the order of use.
    pub(super) fn keep_order(&self) {
        for (id, turn) in self.stock().take_unwritten() {
            let path = self.folder.join(self.compiled_place(&id));
            // On a folder that can't be written the order is that of an earlier time, and nothing else is lost.
            let _ = stamp(&path, turn);
        }
    }

    pub(super) fn take_notices(&self) -> (Vec<Notice>, u64) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn notice(&self, place: &str, kind: NoticeKind) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(place.to_owned(), kind);
    }

    fn drop_file(&self, place: &str, kind: NoticeKind) {
        // In a folder that can't be written it stays, and is refused again the next time.
        let _ = fs::remove_file(self.folder.join(place));
        self.notice(place, kind);
    }

    #[cfg(test)]
    pub(super) fn compiled_path(&self, id: &ContentId) -> PathBuf {
        self.folder.join(self.compiled_place(id))
    }

    fn compiled_place(&self, id: &ContentId) -> String {
        format!("{COMPILED}/{}-{id}", self.engine_id)
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a file into memory, at most a body of `bytes_max`. What is no plain file, or larger, is dropped; what only
    /// can't be read now stays, as the reason may pass.
    fn read(&self, place: &str, bytes_max: usize) -> Option<Vec<u8>> {
        let max = (bytes_max + SEAL_BYTES) as u64;
        let read = open_plain(&self.folder.join(place)).and_then(|file| read_bounded(&file, max));
        match read {
            Ok(Read::Whole(bytes)) => return Some(bytes),
            Ok(Read::TooLarge) => self.drop_file(place, NoticeKind::TooLarge),
            Ok(Read::NoFile) => self.drop_file(place, NoticeKind::Unreadable),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) if self.is_no_file(place) => self.drop_file(place, NoticeKind::Unreadable),
            Err(_) => self.notice(place, NoticeKind::Unreadable),
        }
        None
    }

    /// Whether something else than a plain file is there, which nobody here put there.
    fn is_no_file(&self, place: &str) -> bool {
        fs::symlink_metadata(self.folder.join(place)).is_ok_and(|facts| !facts.is_file())
    }

    /// Seals and writes a file so that a reader sees the old one or the new one, also after a power cut.
    fn write(&self, place: &str, body: &[u8]) -> Result<(), FunctionError> {
        let target = self.folder.join(place);
        let parent = target.parent().unwrap_or(&self.folder).to_owned();
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let aside = parent.join(format!(".{}-{count}{ASIDE_SUFFIX}", std::process::id()));
        let written =
            write_aside(&aside, &self.key.seal(place, body)).and_then(|()| fs::rename(&aside, &target));
        if let Err(error) = written {
            let _ = fs::remove_file(&aside);
            return Err(failed("writing", &target, error));
        }
        sync_folder(&parent).map_err(|error| failed("writing", &target, error))
    }

    /// Removes what writers that were killed left behind. The home's lock keeps a second kernel away.
    fn sweep(&self, folder: &str) {
        let path = self.folder.join(folder);
        for entry in fs::read_dir(path).into_iter().flatten().flatten().take(ENTRIES_MAX) {
            let name = entry.file_name();
            let bytes = name.as_encoded_bytes();
            if bytes.starts_with(b".") && bytes.ends_with(ASIDE_SUFFIX.as_bytes()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Learns what is in the folder of compiled forms, the oldest first; drops what is of another engine.
    fn take_stock(&self) {
        let mut mine = Vec::new();
        for name in self.listing(COMPILED).unwrap_or_default().names {
            let place = format!("{COMPILED}/{name}");
            let id = name.split_once('-').filter(|(engine, _)| *engine == self.engine_id);
            match id.and_then(|(_, id)| ContentId::parse(id)) {
                None => self.drop_file(&place, NoticeKind::OtherEngine),
                Some(id) => {
                    if let Ok(facts) = fs::symlink_metadata(self.folder.join(&place)) {
                        mine.push((facts.modified().ok(), id, facts.len()));
                    }
                }
            }
        }
        mine.sort_unstable();
        *self.stock() =
            Stock::of(mine.into_iter().map(|(stamped, id, bytes)| (id, bytes, stamped)).collect());
    }

    fn listing(&self, folder: &str) -> io::Result<Listing> {
        let mut listing = Listing { names: Vec::new(), is_whole: true };
        for (count, entry) in fs::read_dir(self.folder.join(folder))?.enumerate() {
            if count >= ENTRIES_MAX {
                listing.is_whole = false;
                break;
            }
            // A name that is not text is nobody's: all that are written here are.
            if let Ok(name) = entry?.file_name().into_string()
                && !name.starts_with('.')
            {
                listing.names.push(name);
            }
        }
        listing.names.sort_unstable();
        Ok(listing)
    }
}

/// What came of reading a file.
enum Read {
    Whole(Vec<u8>),
    TooLarge,
    NoFile,
}

fn read_bounded(file: &File, bytes_max: u64) -> io::Result<Read> {
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Ok(Read::NoFile);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(facts.len().min(bytes_max)).unwrap_or(0));
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() as u64 > bytes_max { Read::TooLarge } else { Read::Whole(bytes) })
}

/// Takes the folder's lock, which the system gives back when the process ends.
fn hold(folder: &Path) -> Result<File, FunctionError> {
    let held = File::open(folder).map_err(|source| failed("opening", folder, source))?;
    match rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(held),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(FunctionError::InUse { path: folder.to_owned() }),
        Err(errno) => Err(failed("locking", folder, errno.into())),
    }
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> FunctionError {
    FunctionError::Folder { what, path: path.to_owned(), source: Arc::new(source) }
}

fn write_aside(aside: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(aside)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a turn as a file's time of change.
fn stamp(path: &Path, turn: SystemTime) -> io::Result<()> {
    open_plain(path)?.set_modified(turn)
}

/// wasmtime feeds its version, target and settings into a hasher; BLAKE3 keeps them apart better than 64 bits would.
fn engine_id(engine: &Engine) -> String {
    struct Whole(blake3::Hasher);
    impl Hasher for Whole {
        fn finish(&self) -> u64 {
            let hash = self.0.finalize();
            hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
    }
    let mut whole = Whole(blake3::Hasher::new());
    engine.wasmtime().precompile_compatibility_hash().hash(&mut whole);
    whole.0.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests;
