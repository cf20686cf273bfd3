//! Log files: what modules say, as JSON lines, per module and generation, bounded in every direction.
//!
//! Writing is a thread of its own behind a bounded queue; nobody who hands over a line waits for a disk. A line survives
//! a kill of the kernel once it is written; logs are not made durable against a power cut, as that would cost an fsync
//! per batch. Reading needs no thread and no open kernel: it looks at the files.

mod backwards;
mod buffer;
mod entry;
mod error;
mod follow;
mod line;
mod read;
mod shelf;
mod worker;
mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use self::buffer::LogBuffer;
pub use self::entry::{Level, LogEntry, LogLine, Said, Source};
pub use self::error::LogError;
pub use self::follow::{LogCursor, follow_logs};
pub use self::read::{Case, Grep, LogPage, LogQuery, PageEnd, read_logs};
use self::worker::Worker;
use crate::health::{Admission, CloseError, Counts, FlushError, Health};
use crate::inbox::{EndGuard, Inbox};

/// 256 KiB of stack: writing lines needs little of it.
const STACK_BYTES: usize = 256 << 10;

/// Whom to tell a change of health; called on the writing thread, so it must be short and must not wait.
pub type OnHealth = Box<dyn FnMut(Health) + Send>;

/// How much of each module's log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Bytes in one file; then the next begins. A longer single line gets a file of its own.
    pub file_bytes_max: u64,
    /// Full files of one module, over all its lives; what is more in bytes is dropped, the oldest file first. At least 1.
    pub files_max: u32,
    /// Lives of one module; what is more is dropped, the oldest first. At least 1.
    pub generations_max: usize,
}

/// 10 MiB: an editor still opens it.
const FILE_BYTES_MAX_DEFAULT: u64 = 10 << 20;

/// 5 files: 50 MiB for one module, so that a hundred talkative ones stay below 5 GiB.
const FILES_MAX_DEFAULT: u32 = 5;

/// 10 lives: the last crash is still there after a restart budget was spent.
const GENERATIONS_MAX_DEFAULT: usize = 10;

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            file_bytes_max: FILE_BYTES_MAX_DEFAULT,
            files_max: FILES_MAX_DEFAULT,
            generations_max: GENERATIONS_MAX_DEFAULT,
        }
    }
}

/// How the log thread is to work.
pub struct LogsOptions {
    folder: PathBuf,
    limits: LogLimits,
    on_health: Option<OnHealth>,
}

impl LogsOptions {
    /// With the default limits, under `folder`, usually `<home>/logs`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), limits: LogLimits::default(), on_health: None }
    }

    /// Other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: LogLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Whom to tell when writing begins to fail and when it works again, on the writing thread: send it on.
    #[must_use]
    pub fn on_health(mut self, tell: impl FnMut(Health) + Send + 'static) -> Self {
        self.on_health = Some(Box::new(tell));
        self
    }
}

impl fmt::Debug for LogsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogsOptions")
            .field("folder", &self.folder)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The callers' end. Dropping it asks the thread to end without waiting for it; `close` waits.
#[derive(Debug)]
pub struct Logs {
    inbox: Arc<Inbox<LogBuffer>>,
}

impl Logs {
    /// Starts the thread. A disk that refuses is no error here: it is the health.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(options: LogsOptions) -> io::Result<Self> {
        let inbox = Arc::new(Inbox::new());
        let shared = Arc::clone(&inbox);
        thread::Builder::new().name("logs".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            let _end = EndGuard(&shared);
            Worker::new(&shared, options).run();
        })?;
        Ok(Self { inbox })
    }

    /// Hands over one entry. Never waits for the disk. A module that says more than its share loses lines of its own;
    /// they are counted, and the count is written at their place.
    pub fn try_append(&self, mut entry: LogEntry) -> Admission {
        line::trim(&mut entry);
        self.inbox.push(entry)
    }

    /// Waits, at most for `within`, until what was handed over before is in its files.
    ///
    /// # Errors
    /// `TimedOut`, `Failing` or `Ended`, as they say.
    pub fn flush(&self, within: Duration) -> Result<(), FlushError> {
        self.inbox.flush(within)
    }

    /// Writes what waits and ends the thread, at most for `within`. Entries handed over later are lost.
    ///
    /// # Errors
    /// `TimedOut` when the thread is still at it, `GaveUp` when the disk refused the last lines.
    pub fn close(&self, within: Duration) -> Result<(), CloseError> {
        self.inbox.close(within)
    }

    /// How the log files are.
    pub fn health(&self) -> Health {
        self.inbox.health()
    }

    /// How many entries were taken, written and lost.
    pub fn counts(&self) -> Counts {
        self.inbox.counts()
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.inbox.begin_close();
    }
}
