//! The demo's own folder: made for it alone, removed with it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// 100 tries: each finds a folder of that name only where an earlier demo with the same process id was killed.
const TRIES_MAX: u32 = 100;

/// A folder that is removed when this value goes, however it goes.
#[derive(Debug)]
pub(super) struct PrivateHome {
    path: PathBuf,
    is_removed: bool,
}

impl PrivateHome {
    /// Makes a new one below the temporary folder, for this user alone.
    ///
    /// # Errors
    /// When the temporary folder can't be written to.
    pub(super) fn create() -> Outcome<Self> {
        let folder = std::env::temp_dir();
        let pid = std::process::id();
        for number in 0..TRIES_MAX {
            let path = folder.join(format!("ostoja-demo-{pid}-{number}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path, is_removed: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Failure::io("create", &path, &error).into()),
            }
        }
        Err(Failure::new("cli::demo::home", format!("`{}` is full of left demos", folder.display())).into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with everything in it.
    ///
    /// # Errors
    /// When something in it can't be removed; its place is told.
    pub(super) fn remove(mut self) -> Outcome<()> {
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

#[cfg(test)]
mod tests;
