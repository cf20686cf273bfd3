//! The kernel's own binaries in their slots: `state/self/<hash>/ostoja`, and one small file that says which is which.
//!
//! The file is whole at every instant. It is written before a binary is tried and after it has come to rest, so that
//! whoever starts next knows how often it was tried.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::home::Home;

#[cfg(test)]
mod tests;

/// 3 starts of a new binary without rest: the same number after which a kernel begins in safe mode.
pub(crate) const TRIES_MAX: u32 = 3;

/// 1 GiB: a program that is larger is not this one.
const PROGRAM_BYTES_MAX: u64 = 1 << 30;

/// 64 KiB: what is read of the file that says which is which.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// For the owner alone, who may run it.
const PROGRAM_MODE: u32 = 0o700;

/// For the owner alone.
const FILE_MODE: u32 = 0o600;

/// A binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Binary {
    /// SHA-256, in hex.
    pub(crate) hash: String,
    /// What it calls itself.
    pub(crate) version: String,
    /// Where it lies.
    pub(crate) path: PathBuf,
}

/// What people and service managers start: as long as it is this very file, the active binary takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Installed {
    pub(crate) path: PathBuf,
    bytes: u64,
    modified_ns: i64,
    inode: u64,
}

impl Installed {
    /// The file as it is now.
    ///
    /// # Errors
    /// The system's own.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        let modified_ns = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        Ok(Self { path: path.to_owned(), bytes: meta.len(), modified_ns, inode: meta.ino() })
    }
}

/// How the last change of binaries ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Last {
    pub(crate) hash: String,
    pub(crate) version: String,
    /// Empty when it took over.
    pub(crate) why: String,
    pub(crate) pause_ms: Option<u64>,
    pub(crate) modules: u32,
    pub(crate) at_ms: u64,
}

/// Which is which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Versions {
    /// What takes the place of the installed one; nothing when that runs itself.
    pub(crate) active: Option<Binary>,
    /// What is gone back to.
    pub(crate) fallback: Option<Binary>,
    pub(crate) installed: Option<Installed>,
    /// How often the active one was started without having come to rest; nothing when it has.
    pub(crate) tries: Option<u32>,
    pub(crate) last: Option<Last>,
}

impl Versions {
    /// Those of a home. A file that can't be read counts as none: the installed binary then runs.
    pub(crate) fn of(home: &Home) -> Self {
        Self::read(home).unwrap_or_else(|error| {
            tracing::warn!(%error, "the list of the kernel's own binaries can't be read");
            Self::default()
        })
    }

    /// Those of a home; none when there is no file.
    ///
    /// # Errors
    /// The system's own, and `InvalidData` for a file that can't be understood: which slots are needed is not known then.
    pub(crate) fn read(home: &Home) -> io::Result<Self> {
        let mut text = String::new();
        match File::open(file(home)) {
            Ok(file) => file.take(FILE_BYTES_MAX).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        Ok(serde_json::from_str(&text)?)
    }

    /// Writes them.
    ///
    /// # Errors
    /// As [`store::write_whole`], as a sentence.
    pub(crate) fn keep(&self, home: &Home) -> Result<(), String> {
        let bytes = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        make_folder(&folder(home)).map_err(|error| error.to_string())?;
        store::write_whole(&file(home), &bytes, FILE_MODE).map_err(|error| crate::launch::sentence(&error))
    }

    /// Back to the fallback, for this reason.
    pub(crate) fn fall_back(&mut self, why: &str, at_ms: u64) {
        if let Some(failed) = self.active.take() {
            let (hash, version) = (failed.hash, failed.version);
            let why = why.to_owned();
            self.last = Some(Last { hash, version, why, pause_ms: None, modules: 0, at_ms });
        }
        self.active = self.fallback.take();
        self.tries = None;
    }
}

fn folder(home: &Home) -> PathBuf {
    home.state().join("self")
}

fn file(home: &Home) -> PathBuf {
    folder(home).join("versions.json")
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Copies a program into its slot, hashed on the way and durable; gives its hash and where it lies.
///
/// # Errors
/// The system's own; nothing is left behind then.
pub(crate) fn take_in(home: &Home, from: &Path) -> io::Result<(String, PathBuf)> {
    let folder = folder(home);
    make_folder(&folder)?;
    let aside = incoming(home);
    let _left = fs::remove_file(&aside);
    let taken = take_aside(&folder, &aside, from);
    if taken.is_err() {
        // The first error is the one that matters; a start removes what is left.
        let _left = fs::remove_file(&aside);
    }
    taken
}

fn incoming(home: &Home) -> PathBuf {
    folder(home).join("incoming")
}

fn take_aside(folder: &Path, aside: &Path, from: &Path) -> io::Result<(String, PathBuf)> {
    let mut source = File::open(from)?;
    if !source.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut target = OpenOptions::new().write(true).create_new(true).mode(PROGRAM_MODE).open(aside)?;
    let hash = copy_hashed(&mut source, &mut target)?;
    target.sync_all()?;
    // A program that is open for writing can't be run.
    drop(target);
    let slot = folder.join(&hash);
    make_folder(&slot)?;
    let path = slot.join("ostoja");
    fs::rename(aside, &path)?;
    File::open(&slot)?.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok((hash, path))
}

fn copy_hashed(source: &mut File, target: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut copied = 0;
    loop {
        let bytes = source.read(&mut buffer)?;
        if bytes == 0 {
            break;
        }
        copied += bytes as u64;
        if copied > PROGRAM_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is far too long for this program"));
        }
        hash.update(&buffer[..bytes]);
        target.write_all(&buffer[..bytes])?;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whatever binary is active has come to rest: it is not counted any more.
pub(crate) fn come_to_rest(home: &Home) {
    let mut versions = Versions::of(home);
    if versions.tries.take().is_some()
        && let Err(error) = versions.keep(home)
    {
        tracing::warn!(%error, "the list of the kernel's own binaries could not be kept");
    }
}

/// Removes what a kernel that was killed while it took a binary in left behind. Only while no other kernel runs on the home.
pub(crate) fn put_right(home: &Home) {
    if folder(home).is_dir() {
        let _not_there = fs::remove_file(incoming(home));
        store::sweep_leftovers(&file(home));
        sweep(home);
    }
}

/// Removes every slot but those that the list names; none as long as it can't be read.
pub(crate) fn sweep(home: &Home) {
    let Ok(versions) = Versions::read(home) else { return };
    let named = [&versions.active, &versions.fallback];
    let keeps = |name: &str| named.iter().filter_map(|one| one.as_ref()).any(|one| one.hash == name);
    let own = std::env::current_exe().unwrap_or_default();
    for entry in fs::read_dir(folder(home)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        // What runs is needed for as long as it does: helpers are started from it.
        if entry.path().is_dir() && !keeps(&name) && !own.starts_with(entry.path()) {
            // What is left takes room and no more.
            let _left = fs::remove_dir_all(entry.path());
        }
    }
}
