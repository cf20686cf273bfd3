//! One process at a time at a depot: whoever stages, backs up or cleans holds this lock, a running kernel or not.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use abi::Explain;

/// The depot is in use, or could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum DepotLockError {
    /// Somebody else stages, backs up or cleans.
    #[error("another command works on the versions and backups of `{}`", state.display())]
    Held {
        /// The home's `state`.
        state: PathBuf,
    },
    /// The lock file could not be made, opened or locked.
    #[error("can't lock `{}`", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for DepotLockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "store::depot_lock::held",
            Self::Lock { .. } => "store::depot_lock::lock",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Held { .. } => Some("wait until it is done, and try again".to_owned()),
            Self::Lock { path, .. } => {
                Some(format!("look at its folder: ls -ld {}", path.parent()?.display()))
            }
        }
    }
}

/// While this value lives, nobody else may open the depot of the home. The system lets go of it when its holder dies.
#[derive(Debug)]
pub struct DepotLock {
    file: File,
}

impl Drop for DepotLock {
    /// Closing it would not be enough: a child that was just forked still has the descriptor.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "the lock of the depot goes with its descriptor");
        }
    }
}

/// 20 ms between two tries: nobody notices them.
const LOCK_EVERY: Duration = Duration::from_millis(20);

/// Takes the lock of the depot in a home's `state`; waits for it so long at the most, so only on a thread that may.
///
/// # Errors
/// `Held` when another process has it all that time; `Lock`.
pub fn lock_depot(state: &Path, within: Duration) -> Result<DepotLock, DepotLockError> {
    let path = state.join("depot.lock");
    let failed = |source| DepotLockError::Lock { path: path.clone(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(failed)?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(DepotLock { file }),
            Err(TryLockError::WouldBlock) if begun.elapsed() < within => std::thread::sleep(LOCK_EVERY),
            Err(TryLockError::WouldBlock) => return Err(DepotLockError::Held { state: state.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}
