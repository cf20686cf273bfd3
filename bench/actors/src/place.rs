//! Where the process is: its memory, the cores of its threads, and how a run learns that it is over.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use actor::hosted::Running;
use actor::platform::Core;
use actor::{Actor, Config, Context, Spawn};
use rustix::thread::{CpuSet, sched_setaffinity};

/// 4 KiB: the page of the machines that this runs on.
const PAGE_BYTES: u64 = 4096;
/// A run that takes longer has lost a message.
const RUN_MAX: Duration = Duration::from_secs(60);

/// Resident memory of this process in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|word| word.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}

/// Binds the thread on which it lives to the processor of the same number.
struct Pin;

impl Actor for Pin {
    type Message = ();
    const STARTS: bool = true;

    fn handle(&mut self, _message: (), _ctx: &mut Context<'_>) {}

    fn started(&mut self, ctx: &mut Context<'_>) {
        pin(ctx.core().index());
        ctx.stop();
    }
}

/// Binds the thread that calls to a processor.
pub(crate) fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    if let Err(error) = sched_setaffinity(None, &set) {
        eprintln!("core {core}: {error}");
    }
}

/// A system of so many cores; of several, each is bound to its processor.
pub(crate) fn system(cores: usize) -> Result<Running, String> {
    let running = Running::start(Config { cores, actors_max: 1 << 21, ..Config::default() });
    let running = running.map_err(|error| error.to_string())?;
    if cores > 1 {
        for core in 0..cores {
            running.system().spawn(on(core), Pin).map_err(|refusal| refusal.to_string())?;
        }
    }
    Ok(running)
}

/// A spawn on this core.
pub(crate) fn on(core: usize) -> Spawn {
    Spawn::default().on(Core(core as u8)).pinned()
}

/// Rings when the last of so many things has happened.
pub(crate) struct Finish<T> {
    left: AtomicU64,
    bell: Mutex<Option<Sender<T>>>,
}

impl<T> Finish<T> {
    pub(crate) const fn new() -> Self {
        Self { left: AtomicU64::new(0), bell: Mutex::new(None) }
    }

    /// Waits for so many from here on.
    pub(crate) fn arm(&self, count: u64) -> Receiver<T> {
        let (tx, rx) = channel();
        self.left.store(count, Ordering::SeqCst);
        if let Ok(mut bell) = self.bell.lock() {
            *bell = Some(tx);
        }
        rx
    }

    /// One of them has happened.
    pub(crate) fn one(&self, with: T) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1
            && let Ok(bell) = self.bell.lock()
            && let Some(bell) = &*bell
        {
            let _ = bell.send(with);
        }
    }
}

/// Waits for the end of a run.
pub(crate) fn wait<T>(over: &Receiver<T>) -> Result<T, String> {
    over.recv_timeout(RUN_MAX).map_err(|_| "the run did not end: a message was lost".to_owned())
}
