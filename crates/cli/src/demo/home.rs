//! The demo's own folder: made for it alone, removed with it. What a demo that was killed left behind is removed by
//! the next one.
//!
//! A folder is known as a demo's by its name, its owner, its mode and a marker file in it, and as left behind by the
//! lock on that marker: its demo holds it until it is gone, however it goes. A folder gets its final name only when the
//! lock is held, so that none is ever seen without it while its demo lives.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// 100 tries: each finds a folder of that name only where an earlier demo with the same process id was killed.
const TRIES_MAX: u32 = 100;

/// 64 left folders are removed at one start, so that a start stays quick; the next one goes on.
const LEFT_MAX: usize = 64;

const PREFIX: &str = "ostoja-demo-";

/// The end of a name until the lock is held.
const UNFINISHED: &str = ".new";

/// The file that says whose folder this is.
const MARKER: &str = ".ostoja-demo";

/// A folder that is removed when this value goes, however it goes.
#[derive(Debug)]
pub(crate) struct PrivateHome {
    path: PathBuf,
    is_removed: bool,
    /// Closing it says that the folder may be removed by others.
    _lock: File,
}

impl PrivateHome {
    /// Makes a new one in this folder, for this user alone, and removes what dead demos left there.
    ///
    /// # Errors
    /// When the folder can't be written to.
    pub(crate) fn create(folder: &Path) -> Outcome<Self> {
        sweep(folder);
        let pid = std::process::id();
        for number in 0..TRIES_MAX {
            let path = folder.join(format!("{PREFIX}{pid}-{number}"));
            let unfinished = folder.join(format!("{PREFIX}{pid}-{number}{UNFINISHED}"));
            match make(&unfinished, &path) {
                Ok(lock) => return Ok(Self { path, is_removed: false, _lock: lock }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Failure::io("create", &path, &error).into()),
            }
        }
        Err(Failure::new("cli::demo::home", format!("`{}` is full of left demos", folder.display())).into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with everything in it.
    ///
    /// # Errors
    /// When something in it can't be removed; its place is told.
    pub(crate) fn remove(mut self) -> Outcome<()> {
        self.is_removed = true;
        fs::remove_dir_all(&self.path).map_err(|error| Failure::io("remove", &self.path, &error).into())
    }
}

impl Drop for PrivateHome {
    fn drop(&mut self) {
        if !self.is_removed {
            // Whatever led here is told already; there is nothing more to do about the folder.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Makes the folder under its unfinished name, takes its lock, and gives it its name.
fn make(unfinished: &Path, path: &Path) -> io::Result<File> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    DirBuilder::new().mode(0o700).create(unfinished)?;
    let marker = OpenOptions::new().write(true).create_new(true).mode(0o600).open(unfinished.join(MARKER))?;
    marker.try_lock()?;
    fs::rename(unfinished, path)?;
    Ok(marker)
}

/// Removes the folders that dead demos left here. What can't be looked at or removed is somebody else's business: it
/// stays, and the demo does not need it.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let left = entries.flatten().map(|entry| entry.path()).filter_map(|path| Some((left_lock(&path)?, path)));
    for (_lock, path) in left.take(LEFT_MAX) {
        let _stays = fs::remove_dir_all(&path);
    }
}

/// The lock of a folder that is a demo's and that nobody holds any more.
fn left_lock(path: &Path) -> Option<File> {
    let name = path.file_name()?.to_str()?;
    if !name.starts_with(PREFIX) || name.ends_with(UNFINISHED) {
        return None;
    }
    let own_uid = rustix::process::geteuid().as_raw();
    let folder = fs::symlink_metadata(path).ok()?;
    if !folder.is_dir() || folder.uid() != own_uid || folder.mode() & 0o777 != 0o700 {
        return None;
    }
    let marker = path.join(MARKER);
    let file = fs::symlink_metadata(&marker).ok()?;
    if !file.is_file() || file.uid() != own_uid {
        return None;
    }
    let lock = OpenOptions::new().write(true).open(&marker).ok()?;
    lock.try_lock().ok()?;
    Some(lock)
}

#[cfg(test)]
mod tests;
