//! The function cache in the kernel's process: opened when somebody first uses it, worked on by threads of its own.
//!
//! # The flow
//! ```text
//! operator, module ─► Shell::with_functions ─► worker thread: check, compile, run ─► answer
//!                                                   │ the function asks the kernel
//!                                                   ▼
//!                                              Line::ask ─► Asking ─► the kernel's thread, as its caller would ─► reply
//! ```
//! A function acts for whoever calls it: what it asks of other modules is asked in that module's name, by the same
//! proxy, with the same capabilities; for an operator it is an operator's order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use abi::{Explain, Generation, Permissions, Slot};
use actor::blocking::Blocking;
use actor::job;
use kernel::Word;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;
use wasm::functions::{Caller, FunctionError, Functions, Keep};
use wasm::{Engine, EngineError, EngineOptions};

use crate::shell::{Handle, Shell};

mod line;
mod operator;
mod tasks;

use line::{Asking, Line, Reply};
pub(crate) use operator::Source;

/// 4 functions run or compile at once; more would only take the cores from the modules.
const WORKERS_MAX: usize = 4;

/// 256 calls wait for a worker; the next one is refused with `busy`.
const WAITING_MAX: usize = 256;

/// 60 s: the longest time that a caller can give one function.
pub(crate) const RUN_TIME_MAX: Duration = Duration::from_secs(60);

/// 60 s between two looks for functions that nobody has used for long.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// The cache, opened by the first who needs it.
#[derive(Clone, Default)]
struct Lazy(Arc<Mutex<Option<Arc<Functions>>>>);

/// Why the cache can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    /// No engine.
    #[error("functions can't be run here")]
    Engine(#[source] EngineError),
    /// What the cache itself says.
    #[error(transparent)]
    Function(Box<FunctionError>),
    /// All workers are busy.
    #[error("{WAITING_MAX} calls of functions wait already")]
    Busy,
    /// The thread that worked on it has died.
    #[error("the thread that worked on it has died; this is a bug")]
    Died,
}

impl CacheError {
    /// The function's own words, when it is the function that refused.
    pub(crate) fn answered(&self) -> Option<String> {
        let Self::Function(error) = self else { return None };
        let FunctionError::Answered { text } = &**error else { return None };
        Some(String::from_utf8_lossy(text.as_bytes()).into_owned())
    }
}

impl From<FunctionError> for CacheError {
    fn from(error: FunctionError) -> Self {
        Self::Function(Box::new(error))
    }
}

impl Explain for CacheError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Function(error) => error.code(),
            Self::Busy => "wasm::function::busy",
            Self::Died => "host::function::died",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.help(),
            Self::Function(error) => error.help(),
            Self::Busy => Some("call again when others have ended".to_owned()),
            Self::Died => None,
        }
    }
}

impl Lazy {
    fn get(&self, folder: &std::path::Path, line: Line) -> Result<Arc<Functions>, CacheError> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(functions) = &*cache {
            return Ok(Arc::clone(functions));
        }
        let engine = Engine::try_new(EngineOptions::FUNCTIONS).map_err(CacheError::Engine)?;
        let opened = Functions::open(engine, folder, Keep::STANDARD, Arc::new(line));
        let opened = Arc::new(opened?);
        Ok(Arc::clone(cache.insert(opened)))
    }

    /// The cache, if somebody has used it.
    fn opened(&self) -> Option<Arc<Functions>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the kernel's thread has of the cache.
pub(crate) struct Cabinet {
    cache: Lazy,
    workers: Option<Blocking>,
    asks: Option<mpsc::UnboundedSender<Asking>>,
    /// Calls that functions made in the name of modules, by the number that the module's proxy knows them by.
    asked: BTreeMap<(Slot, Generation, String), Reply>,
    last_ask: u64,
    /// Makes numbers that no module uses by itself.
    nonce: u64,
}

impl std::fmt::Debug for Cabinet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cabinet").field("asked", &self.asked.len()).finish_non_exhaustive()
    }
}

impl Cabinet {
    /// `nonce` is drawn anew for each kernel.
    pub(crate) fn new(nonce: u64) -> Self {
        Self { cache: Lazy::default(), workers: None, asks: None, asked: BTreeMap::new(), last_ask: 0, nonce }
    }
}

impl Drop for Cabinet {
    fn drop(&mut self) {
        // The process ends right after this; what still runs is not waited for.
        std::mem::forget(self.workers.take());
    }
}

/// What a piece of work on the cache came to.
pub(crate) type Worked<R> = Result<R, CacheError>;

impl Shell {
    /// Has `work` done with the cache on a worker's thread.
    pub(crate) fn with_functions<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Functions) -> Result<R, FunctionError> + Send + 'static,
    ) -> oneshot::Receiver<Worked<R>> {
        let line = self.line();
        let folder = self.functions_folder();
        let (sender, receiver) = oneshot::channel();
        // Whoever hung up needs no answer; a refusal has to find the sender, which the work takes with it otherwise.
        let sender = Arc::new(Mutex::new(Some(sender)));
        let (cache, answering) = (self.functions.cache.clone(), Arc::clone(&sender));
        let workers = self.functions.workers.get_or_insert_with(|| Blocking::new(WORKERS_MAX, WAITING_MAX));
        let begun = workers.handle().submit(
            move || cache.get(&folder, line).and_then(|cache| work(&cache).map_err(CacheError::from)),
            move |came| {
                let worked = match came {
                    job::Outcome::Done(worked) => worked,
                    job::Outcome::Panicked | job::Outcome::Cancelled => Err(CacheError::Died),
                };
                answer(&answering, worked);
            },
        );
        if begun.is_err() {
            answer(&sender, Err(CacheError::Busy));
        }
        receiver
    }

    fn functions_folder(&self) -> PathBuf {
        self.files.home.cache().join("functions")
    }

    /// The way on which functions ask; with the first one come the tasks that serve it.
    fn line(&mut self) -> Line {
        let handle = self.handle();
        let asks = self.functions.asks.get_or_insert_with(|| {
            let (asks, coming) = mpsc::unbounded_channel();
            spawn_local(line::hear_functions(handle.clone(), coming));
            spawn_local(tidy(handle));
            asks
        });
        Line::new(asks.clone())
    }

    /// As whom a module calls: with the rights that it has now.
    fn caller_of(&self, slot: Slot, effective: Permissions) -> Option<Caller> {
        let id = self.kernel.spec(slot)?.id.clone();
        Some(Caller::Module { id, permissions: Arc::new(effective) })
    }
}

type Waiting<R> = Mutex<Option<oneshot::Sender<Worked<R>>>>;

fn answer<R>(waiting: &Waiting<R>, worked: Worked<R>) {
    let sender = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    let _gone = sender.map(|sender| sender.send(worked));
}

/// Drops what nobody uses from memory, and tells what the cache repaired.
async fn tidy(shell: Handle) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        let Some(shell) = shell.upgrade() else { return };
        let mut shell = shell.borrow_mut();
        let now = shell.now();
        let Some(functions) = shell.functions.cache.opened() else { continue };
        // Nothing here compiles or waits: two maps are walked.
        functions.tidy(now);
        let (notices, missed) = functions.take_notices();
        for notice in notices {
            tracing::warn!(code = notice.code(), %notice, missed, "the function cache repaired something");
            shell.trouble(format!("functions: {notice}"));
        }
    }
}

/// The number of an ask, as no module numbers its own calls by chance.
fn ask_id(number: u64, nonce: u64) -> Word {
    Word::parse(&format!("fn:{nonce:016x}:{number}")).expect("it is short and has no forbidden sign")
}
