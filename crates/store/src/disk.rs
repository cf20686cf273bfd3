//! The few things that the depot and the slots do with files, as a trait: on a disk, and in tests on one that loses
//! everything that was not made durable.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Rights of what is kept: the owner's alone, since modules' state is in it.
const FILE_MODE: u32 = 0o600;

/// Rights of folders, for the same reason.
const FOLDER_MODE: u32 = 0o700;

/// File operations, each one step that can fail or be the last before the power goes.
///
/// Only what was synced lasts: a file's bytes by [`Disk::sync_file`], its name by [`Disk::sync_folder`] of the folder
/// it is in.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a folder and those above it, unless they are there.
    ///
    /// # Errors
    /// The system's.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;

    /// Creates a file and writes it.
    ///
    /// # Errors
    /// The system's; `AlreadyExists` when the name is taken.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes a file's bytes durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Gives a file another name in the same folder, in the place of what had it.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names and lengths of the files in a folder, sorted; folders and links are left out.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>>;

    /// A whole file of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// The system's; `FileTooLarge` beyond the limit.
    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>>;

    /// Exactly `length` bytes of a file.
    ///
    /// # Errors
    /// The system's; `UnexpectedEof` when the file has no such bytes.
    fn read_at(&self, path: &Path, at: u64, length: usize) -> io::Result<Vec<u8>>;
}

/// A step of replacing a file failed; the old one is in place, unless the last step did.
#[derive(Debug)]
pub(crate) enum ReplaceError {
    /// The disk refused.
    Disk {
        /// What was to be done, as in "can't …".
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The disk gave back other bytes than were written.
    ReadBack { path: PathBuf },
}

/// Writes a file so that at every instant the old one or the new one is there, and read back before it counts.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, aside: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    let written = write_aside(disk, aside, bytes)
        .and_then(|()| disk.rename(aside, path).map_err(failed("put in place", path)));
    if written.is_err() {
        // The first error is the one that matters; a leftover is removed with the next try.
        let _ = disk.remove(aside);
        return written;
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    disk.sync_folder(folder).map_err(failed("make durable", folder))
}

fn write_aside(disk: &dyn Disk, aside: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    match disk.remove(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", aside)(error)),
        // What an earlier failure or crash left behind.
        _ => {}
    }
    disk.write_new(aside, bytes).map_err(failed("write", aside))?;
    disk.sync_file(aside).map_err(failed("make durable", aside))?;
    let found = disk.read(aside, bytes.len() as u64).map_err(failed("read back", aside))?;
    if found != bytes {
        return Err(ReplaceError::ReadBack { path: aside.to_owned() });
    }
    Ok(())
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ReplaceError + use<> {
    let path = path.to_owned();
    move |source| ReplaceError::Disk { doing, path, source }
}

/// The files of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?.write_all(bytes)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // A name that is no text is none of ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                found.push((name, metadata.len()));
            }
        }
        found.sort();
        Ok(found)
    }

    fn read(&self, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }

    fn read_at(&self, path: &Path, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        File::open(path)?.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
