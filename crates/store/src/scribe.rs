//! The scribe: a thread of its own that owns the journal, so that no decision waits for a disk.
//!
//! Records wait in a bounded queue and are written in batches, one transaction each. When the disk refuses, the batch is
//! kept, tried again every second, and the queue goes on filling; past its limits records are counted, and a
//! `journal.lost` record with the count stands at the very place where they are missing.

mod buffer;
mod worker;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use abi::{Record, Wall};

use self::buffer::RecordBuffer;
use self::worker::Worker;
use crate::health::{Admission, CloseError, Counts, FlushError, Health, Trouble};
use crate::inbox::{EndGuard, Inbox};
use crate::journal::{BootId, Found, JournalLimits, trim};

/// 512 KiB of stack: the database's deepest call needs a tenth; only touched pages count as memory.
const STACK_BYTES: usize = 512 << 10;

/// What the scribe has to tell at once; called on its thread, so it must be short and must not wait.
pub type OnNotice = Box<dyn FnMut(Notice) + Send>;

/// News from the scribe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The journal is open; this is what was there.
    Opened(Found),
    /// Writing began to fail. The system runs on; what does not fit the limits is counted as lost.
    Failing(Trouble),
    /// Writing works again; what was kept is written.
    Recovered,
}

/// How the scribe is to work.
pub struct ScribeOptions {
    path: PathBuf,
    boot: BootId,
    limits: JournalLimits,
    on_notice: Option<OnNotice>,
}

impl ScribeOptions {
    /// With the default limits, for the journal at `path`, in the run `boot`.
    pub fn new(path: &Path, boot: BootId) -> Self {
        Self { path: path.to_owned(), boot, limits: JournalLimits::default(), on_notice: None }
    }

    /// Other limits of the journal.
    #[must_use]
    pub fn with_limits(mut self, limits: JournalLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Whom to tell the news, on the scribe's thread: send it on, don't wait there.
    #[must_use]
    pub fn on_notice(mut self, tell: impl FnMut(Notice) + Send + 'static) -> Self {
        self.on_notice = Some(Box::new(tell));
        self
    }
}

impl fmt::Debug for ScribeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScribeOptions")
            .field("path", &self.path)
            .field("boot", &self.boot)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The callers' end. Dropping it asks the thread to end without waiting for it; `close` waits.
#[derive(Debug)]
pub struct Scribe {
    inbox: Arc<Inbox<RecordBuffer>>,
}

impl Scribe {
    /// Starts the thread, which opens the journal at once and tells what it found.
    /// A disk that refuses is no error here: it is the scribe's health.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(options: ScribeOptions) -> io::Result<Self> {
        let inbox = Arc::new(Inbox::new());
        let shared = Arc::clone(&inbox);
        thread::Builder::new().name("journal".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            let _end = EndGuard(&shared);
            Worker::new(&shared, options).run();
        })?;
        Ok(Self { inbox })
    }

    /// Hands over one record, decided at `wall`. Never waits for the disk.
    pub fn try_append(&self, wall: Wall, mut record: Record) -> Admission {
        trim(&mut record);
        self.inbox.push((wall, record))
    }

    /// Waits, at most for `within`, until what was handed over before is written and durable.
    /// While the disk is failing it makes the scribe try at once, and gives the error if it still fails.
    ///
    /// # Errors
    /// `TimedOut`, `Failing` or `Ended`, as they say.
    pub fn flush(&self, within: Duration) -> Result<(), FlushError> {
        self.inbox.flush(within)
    }

    /// Writes what waits, seals the journal and ends the thread, at most for `within`. Records handed over later are lost.
    ///
    /// # Errors
    /// `TimedOut` when the thread is still at it, `GaveUp` when the disk refused the last records.
    pub fn close(&self, within: Duration) -> Result<(), CloseError> {
        self.inbox.close(within)
    }

    /// How the journal is.
    pub fn health(&self) -> Health {
        self.inbox.health()
    }

    /// How many records were taken, written and lost.
    pub fn counts(&self) -> Counts {
        self.inbox.counts()
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.inbox.begin_close();
    }
}
