//! The depot and the slots of a home, as the kernel's process has them: opened for each piece of work under the depot's
//! lock, since backups work on the same chunks from processes of their own, and never on the thread that carries
//! messages.

use std::sync::Arc;
use std::time::Duration;

use abi::Explain;
use store::{Depot, DepotError, DepotLock, DepotLockError, LocalDisk, SlotsFile, SlotsFileError, lock_depot};

use crate::home::Home;

/// 30 s: longer than most backups take; an update, or a start, does not wait for ever.
const LOCK_WITHIN: Duration = Duration::from_secs(30);

/// Why the stock can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StockError {
    /// The lock of the depot can't be had.
    #[error(transparent)]
    Lock(#[from] DepotLockError),
    /// The depot can't be opened.
    #[error("the depot can't be opened")]
    Depot(#[source] DepotError),
    /// The slots can't be opened.
    #[error("the slots can't be opened")]
    Slots(#[source] SlotsFileError),
    /// The thread that worked on it has died.
    #[error("the thread that worked on the depot has died; this is a bug")]
    Died,
}

impl Explain for StockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Lock(error) => error.code(),
            Self::Depot(error) => error.code(),
            Self::Slots(error) => error.code(),
            Self::Died => "host::stock::died",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Depot(error) => error.help(),
            Self::Slots(error) => error.help(),
            Self::Lock(error) => error.help(),
            Self::Died => None,
        }
    }
}

/// Both, open.
#[derive(Debug)]
pub(crate) struct Stock {
    /// Chunks of everything that is kept.
    pub(crate) depot: Depot,
    /// Which version of each module is active, and which ones are on their way.
    pub(crate) slots: SlotsFile,
    /// Nobody else opens them while it is held.
    _lock: DepotLock,
}

impl Stock {
    fn open(home: &Home) -> Result<Self, StockError> {
        let lock = lock_depot(&home.state(), LOCK_WITHIN)?;
        let disk = Arc::new(LocalDisk);
        let (depot, found) = Depot::open(disk.clone(), &home.chunks()).map_err(StockError::Depot)?;
        if !found.damaged.is_empty() {
            tracing::warn!(bales = found.damaged.len(), "damaged bales were set aside");
        }
        let (slots, _) = SlotsFile::open(disk, &home.slots()).map_err(StockError::Slots)?;
        Ok(Self { depot, slots, _lock: lock })
    }
}

/// How the stock is reached.
#[derive(Debug, Clone)]
pub(crate) struct Stockroom {
    home: Home,
}

impl Stockroom {
    pub(crate) fn of(home: &Home) -> Self {
        Self { home: home.clone() }
    }

    /// Whether any version was ever kept here; a look that opens nothing.
    pub(crate) fn is_used(&self) -> bool {
        self.home.slots().join("slots").is_file()
    }

    /// Works on it here and now: for threads that may wait.
    ///
    /// # Errors
    /// What the work says, and `StockError` when it can't be opened.
    pub(crate) fn work_here<R, E: From<StockError>>(
        &self,
        work: impl FnOnce(&mut Stock) -> Result<R, E>,
    ) -> Result<R, E> {
        work(&mut Stock::open(&self.home)?)
    }

    /// Has work done on it by a thread that may wait for the disk, and for whoever works on it before.
    ///
    /// # Errors
    /// As [`Self::work_here`]; `Died` when the work panicked.
    pub(crate) async fn work<R: Send + 'static, E: From<StockError> + Send + 'static>(
        &self,
        work: impl FnOnce(&mut Stock) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E> {
        let room = self.clone();
        let working = tokio::task::spawn_blocking(move || room.work_here(work));
        working.await.unwrap_or_else(|_| Err(StockError::Died.into()))
    }
}
