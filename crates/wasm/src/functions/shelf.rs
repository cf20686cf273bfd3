//! The folder on disk: names, sources and compiled forms, each a sealed file that is whole at every instant.
//!
//! ```text
//! functions/            0700
//!   key                 0600, 32 random bytes
//!   names/NAME          who put it, what it may touch, which content
//!   sources/CONTENT     the binary form
//!   compiled/ENGINE-CONTENT
//! ```
//! Names and sources are what was asked to be kept: failing to write them fails the `put`. Compiled forms are only
//! quicker: whatever is wrong with them is noticed, and they are made again.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bounds::{COMPILED_BYTES_MAX, NAMES_MAX, RECORD_BYTES_MAX, SOURCE_BYTES_MAX};
use super::content::ContentId;
use super::error::FunctionError;
use super::mapped::Verified;
use super::notice::{Notice, NoticeKind, Notices};
use super::record::Function;
use super::seal::{Key, SEAL_BYTES, open_plain};
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
    compiled: Mutex<Compiled>,
    notices: Mutex<Notices>,
}

/// What is known of compiled forms on disk: bytes and last use, by content.
#[derive(Default)]
struct Compiled {
    files: BTreeMap<ContentId, (u64, u64)>,
    bytes: u64,
    turn: u64,
}

impl Shelf {
    pub(super) fn open(folder: &Path, engine: &Engine) -> Result<Self, FunctionError> {
        for path in [folder.to_owned(), folder.join(NAMES), folder.join(SOURCES), folder.join(COMPILED)] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|source| failed("making", &path, source))?;
        }
        let key = Key::open(&folder.join("key"))?;
        let shelf = Self {
            folder: folder.to_owned(),
            key,
            engine_id: engine_id(engine),
            compiled: Mutex::default(),
            notices: Mutex::default(),
        };
        shelf.sweep("");
        shelf.sweep(NAMES);
        shelf.sweep(SOURCES);
        shelf.sweep(COMPILED);
        shelf.take_stock();
        Ok(shelf)
    }

    /// All functions whose record is whole; the others are noticed and dropped.
    pub(super) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for name in self.entries(NAMES) {
            let place = format!("{NAMES}/{name}");
            let Some(file) = self.read(&place, RECORD_BYTES_MAX) else { continue };
            match self.key.unseal(&place, &file) {
                None => self.drop_file(&place, NoticeKind::Changed),
                Some(body) => match Function::from_bytes(body) {
                    Some(function) if function.name.as_str() == name && found.len() < NAMES_MAX => {
                        found.push(function);
                    }
                    // Kept where it is: another version may be able to read it.
                    _ => self.notice(&place, NoticeKind::NameLost),
                },
            }
        }
        found
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
        let sources = self.entries(SOURCES).into_iter().filter_map(|name| ContentId::parse(&name));
        let compiled: Vec<_> = self.stock().files.keys().copied().collect();
        let orphans: Vec<_> = sources.chain(compiled).filter(|id| !is_named(id)).collect();
        for id in &orphans {
            self.forget(id);
        }
        orphans.len()
    }

    /// How many compiled forms there are, and their bytes.
    pub(super) fn size(&self) -> (usize, u64) {
        let stock = self.stock();
        (stock.files.len(), stock.bytes)
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

    fn compiled_place(&self, id: &ContentId) -> String {
        format!("{COMPILED}/{}-{id}", self.engine_id)
    }

    fn stock(&self) -> MutexGuard<'_, Compiled> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a file into memory, at most a body of `bytes_max`.
    fn read(&self, place: &str, bytes_max: usize) -> Option<Vec<u8>> {
        let file = match open_plain(&self.folder.join(place)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(_) => {
                self.drop_file(place, NoticeKind::Unreadable);
                return None;
            }
        };
        let facts = file.metadata().ok().filter(fs::Metadata::is_file);
        let max = (bytes_max + SEAL_BYTES) as u64;
        let Some(facts) = facts else {
            self.drop_file(place, NoticeKind::Unreadable);
            return None;
        };
        let mut bytes = Vec::with_capacity(usize::try_from(facts.len().min(max)).unwrap_or(0));
        let read = file.take(max + 1).read_to_end(&mut bytes);
        match read {
            Ok(_) if bytes.len() as u64 <= max => Some(bytes),
            Ok(_) => {
                self.drop_file(place, NoticeKind::TooLarge);
                None
            }
            Err(_) => {
                self.notice(place, NoticeKind::Unreadable);
                None
            }
        }
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
        for name in self.entries(COMPILED) {
            let place = format!("{COMPILED}/{name}");
            let id = name.split_once('-').filter(|(engine, _)| *engine == self.engine_id);
            match id.and_then(|(_, id)| ContentId::parse(id)) {
                None => self.drop_file(&place, NoticeKind::OtherEngine),
                Some(id) => {
                    if let Ok(facts) = fs::symlink_metadata(self.folder.join(&place)) {
                        mine.push(((facts.mtime(), facts.mtime_nsec()), id, facts.len()));
                    }
                }
            }
        }
        mine.sort_unstable();
        for (_, id, bytes) in mine {
            self.stock().add(id, bytes, u64::MAX);
        }
    }

    /// The names in a folder, sorted, without those that are being written.
    fn entries(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries
            .take(ENTRIES_MAX)
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort_unstable();
        names
    }
}

impl Compiled {
    /// Adds a file and gives those that have to go for it: the least recently used, never the new one.
    fn add(&mut self, id: ContentId, bytes: u64, bytes_max: u64) -> Vec<ContentId> {
        self.remove(&id);
        self.turn += 1;
        self.files.insert(id, (bytes, self.turn));
        self.bytes = self.bytes.saturating_add(bytes);
        let mut gone = Vec::new();
        while self.bytes > bytes_max && self.files.len() > 1 {
            let Some(oldest) = self.files.iter().min_by_key(|(_, (_, turn))| *turn).map(|(id, _)| *id) else {
                break;
            };
            self.remove(&oldest);
            gone.push(oldest);
        }
        gone
    }

    fn touch(&mut self, id: &ContentId) {
        self.turn += 1;
        if let Some((_, turn)) = self.files.get_mut(id) {
            *turn = self.turn;
        }
    }

    fn remove(&mut self, id: &ContentId) {
        if let Some((bytes, _)) = self.files.remove(id) {
            self.bytes = self.bytes.saturating_sub(bytes);
        }
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
