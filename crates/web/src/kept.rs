//! What outlives this process: a file each, whole at every instant, for its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::options::WebError;

/// For the owner alone.
const MODE: u32 = 0o600;

/// 1 MiB: several times what as many tokens and sessions as there may be take.
const BYTES_MAX: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct File {
    folder: PathBuf,
    name: &'static str,
}

impl File {
    /// The file of this name.
    pub(crate) fn at(folder: &Path, name: &'static str) -> Self {
        Self { folder: folder.to_owned(), name }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// What was kept; nothing at the first time. What can't be read is set aside: then it counts for nothing, and the owner
    /// can look at it.
    pub(crate) fn read<T: Default + DeserializeOwned>(&self) -> Result<T, WebError> {
        let path = self.path();
        let failed = |source| WebError::State { path: path.clone(), source };
        let mut bytes = Vec::new();
        match fs::File::open(&path) {
            Ok(file) => file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
            Err(error) => return Err(failed(error)),
        };
        match serde_json::from_slice(&bytes) {
            Ok(state) => Ok(state),
            Err(error) => {
                tracing::warn!(%error, file = self.name, "what was kept can't be read and was set aside");
                fs::rename(&path, self.folder.join(format!("{}.damaged", self.name))).map_err(failed)?;
                Ok(T::default())
            }
        }
    }

    /// Keeps it in the place of what was kept.
    pub(crate) fn write<T: Serialize>(&self, state: &T) -> Result<(), WebError> {
        let aside = self.folder.join(format!("{}.new", self.name));
        let written = self.write_aside(&aside, state).and_then(|()| fs::rename(&aside, self.path()));
        let synced = written.and_then(|()| fs::File::open(&self.folder)?.sync_all());
        synced.map_err(|source| WebError::State { path: self.path(), source })
    }

    fn write_aside<T: Serialize>(&self, aside: &Path, state: &T) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(aside)?;
        file.write_all(&serde_json::to_vec(state).map_err(io::Error::other)?)?;
        file.sync_all()
    }
}
