//! Tokens, sessions and codes on the disk: one file, whole at every instant, for its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::State;
use crate::options::WebError;

/// For the owner alone.
const MODE: u32 = 0o600;

/// 1 MiB: several times what as many tokens and sessions as there may be take.
const BYTES_MAX: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct File {
    folder: PathBuf,
}

impl File {
    pub(super) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("access.json")
    }

    /// What was kept; nothing at the first time. What can't be read is set aside: then nobody is let in by it, and the
    /// owner can make new ones.
    pub(super) fn read(&self) -> Result<State, WebError> {
        let path = self.path();
        let failed = |source| WebError::State { path: path.clone(), source };
        let mut bytes = Vec::new();
        match fs::File::open(&path) {
            Ok(file) => file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
            Err(error) => return Err(failed(error)),
        };
        match serde_json::from_slice(&bytes) {
            Ok(state) => Ok(state),
            Err(error) => {
                tracing::warn!(%error, "the file of tokens and sessions can't be read and was set aside");
                fs::rename(&path, self.folder.join("access.json.damaged")).map_err(failed)?;
                Ok(State::default())
            }
        }
    }

    pub(super) fn write(&self, state: &State) -> Result<(), WebError> {
        let aside = self.folder.join("access.json.new");
        let written = self.write_aside(&aside, state).and_then(|()| fs::rename(&aside, self.path()));
        let synced = written.and_then(|()| fs::File::open(&self.folder)?.sync_all());
        synced.map_err(|source| WebError::State { path: self.path(), source })
    }

    fn write_aside(&self, aside: &Path, state: &State) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(aside)?;
        file.write_all(&serde_json::to_vec(state).map_err(io::Error::other)?)?;
        file.sync_all()
    }
}
