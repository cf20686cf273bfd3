//! Files that are whole at every instant: written aside, made durable, put in place by one rename.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use abi::Explain;

/// A step of writing a file whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteStep {
    /// Finding the folder and the name.
    Place,
    /// Creating the file aside.
    Create,
    /// Writing its bytes.
    Write,
    /// Making them durable.
    Sync,
    /// Putting it in place.
    Rename,
    /// Making its new name durable.
    SyncFolder,
}

impl WriteStep {
    fn as_str(self) -> &'static str {
        match self {
            Self::Place => "find the place of",
            Self::Create => "create the new version of",
            Self::Write => "write the new version of",
            Self::Sync => "make durable the new version of",
            Self::Rename => "put in place the new version of",
            Self::SyncFolder => "make durable the folder of",
        }
    }
}

/// A file could not be written; before `SyncFolder` the old version is still in place, untouched.
#[derive(Debug, thiserror::Error)]
#[error("can't {} `{}`", step.as_str(), path.display())]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// The step that failed.
    pub step: WriteStep,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl Explain for WriteError {
    fn code(&self) -> &'static str {
        match self.step {
            WriteStep::Place => "store::write::place",
            WriteStep::Create => "store::write::create",
            WriteStep::Write => "store::write::write",
            WriteStep::Sync => "store::write::sync",
            WriteStep::Rename => "store::write::rename",
            WriteStep::SyncFolder => "store::write::sync_folder",
        }
    }

    fn help(&self) -> Option<String> {
        let folder = self.path.parent()?;
        match self.source.kind() {
            io::ErrorKind::StorageFull => Some(format!("make room: df -h {}", folder.display())),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some(format!("look at the folder's rights: ls -ld {}", folder.display()))
            }
            _ => None,
        }
    }
}

/// Tells temporary files of one process apart.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Replaces the contents of `path` in one step; `mode` is what the file's rights become, as in chmod.
///
/// A reader sees the old bytes or the new ones, and after a power cut one of the two is there. When `path` is a symbolic
/// link, the file it leads to is replaced, so that homes kept as links by a dotfile manager stay links.
/// Costs two fsyncs: milliseconds, not for a hot path.
///
/// # Errors
/// `WriteError` with the step that failed; what was written aside is removed again.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), WriteError> {
    let fail = |step| move |source| WriteError { path: path.to_owned(), step, source };
    let (folder, target) = place_of(path).map_err(fail(WriteStep::Place))?;
    let aside = aside_of(&target).map_err(fail(WriteStep::Place))?;
    let written = write_aside(&aside, bytes, mode)
        .map_err(|(step, source)| fail(step)(source))
        .and_then(|()| fs::rename(&aside, &target).map_err(fail(WriteStep::Rename)));
    if written.is_err() {
        // The first error is the one that matters; a file that was never created can't be removed either.
        let _ = fs::remove_file(&aside);
        return written;
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail(WriteStep::SyncFolder))
}

fn write_aside(aside: &Path, bytes: &[u8], mode: u32) -> Result<(), (WriteStep, io::Error)> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(aside)
        .map_err(|source| (WriteStep::Create, source))?;
    file.write_all(bytes).map_err(|source| (WriteStep::Write, source))?;
    // The mode given at creation is cut by the umask; what was asked for is meant.
    file.set_permissions(Permissions::from_mode(mode)).map_err(|source| (WriteStep::Write, source))?;
    file.sync_all().map_err(|source| (WriteStep::Sync, source))
}

/// The folder in which to write, and the file to replace there.
fn place_of(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let target = if is_link { fs::canonicalize(path)? } else { path.to_owned() };
    let folder = match target.parent() {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_owned(),
        None => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file's path")),
    };
    Ok((folder, target))
}

fn aside_of(target: &Path) -> io::Result<PathBuf> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"))?;
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut aside = aside_prefix(name);
    aside.push(format!("{}-{count}{ASIDE_SUFFIX}", std::process::id()));
    Ok(target.with_file_name(aside))
}

const ASIDE_SUFFIX: &str = ".aside";

fn aside_prefix(name: &std::ffi::OsStr) -> std::ffi::OsString {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// Removes what writers of `path` that were killed in the middle left beside it, and gives how many files that were.
///
/// Call it only while nobody writes `path`, for example under the home's lock.
pub fn sweep_leftovers(path: &Path) -> usize {
    let Ok((folder, target)) = place_of(path) else { return 0 };
    let (Some(name), Ok(entries)) = (target.file_name(), fs::read_dir(folder)) else { return 0 };
    let prefix = aside_prefix(name);
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let bytes = name.as_encoded_bytes();
            bytes.starts_with(prefix.as_encoded_bytes()) && bytes.ends_with(ASIDE_SUFFIX.as_bytes())
        })
        .filter(|entry| fs::remove_file(entry.path()).is_ok())
        .count()
}

#[cfg(test)]
mod tests;
