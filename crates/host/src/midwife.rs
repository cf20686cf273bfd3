//! The process's first thread: it bears the children, and it alone may put another program into this one's place.
//!
//! Children get SIGKILL when the *thread* that bore them ends, and a program that takes this one's place (`execve`) ends all
//! threads but the one that calls it. So all children are born on one thread, and that one calls. The kernel itself lives
//! on a thread beside it, and asks.
//!
//! ```text
//! kernel's thread ── Job ─► first thread: launch, or execve
//!        ▲                     │
//!        └─────── answer ◄─────┘ (not after an execve that worked)
//! ```

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sandbox::Berths;

use crate::effects::{Born, Order, launch};
use crate::error::HostError;

/// 8 MiB: what a first thread has for its stack on Linux, which is where the kernel lived before it moved.
const KERNEL_STACK_BYTES: usize = 8 << 20;

/// 20 s from the start of a binary that takes over until it has done so: what it does in that time takes a fraction of a
/// second, and for as long no module is heard.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(20);

/// Something for the first thread.
#[derive(Debug)]
pub(crate) enum Job {
    /// Bear a child, and tell there.
    Launch(Box<Order>, Told),
    /// Put this program into our place; what comes back is why that did not happen.
    Replace(Replacement, SyncSender<io::Error>),
    /// What an earlier program handed over is taken, so there is no way back any more.
    TakenOver,
    /// The kernel has ended.
    Ended,
}

/// Says that the kernel has ended, however it did: others may hold the way to here for longer.
struct Ending(Sender<Job>);

impl Drop for Ending {
    fn drop(&mut self) {
        // Who does not listen any more knows it.
        let _known = self.0.send(Job::Ended);
    }
}

/// Whom a birth is told to.
#[derive(Debug)]
pub(crate) enum Told {
    /// To somebody who goes on meanwhile.
    Later(tokio::sync::mpsc::Sender<Born>),
    /// To somebody who stands still for it.
    Now(SyncSender<Born>),
}

/// A program for our place, and its words.
#[derive(Debug, Clone)]
pub(crate) struct Replacement {
    pub(crate) program: PathBuf,
    pub(crate) words: Vec<OsString>,
}

impl Replacement {
    /// Does it. Comes back only with the reason why it did not happen.
    pub(crate) fn act(&self) -> io::Error {
        Command::new(&self.program).args(&self.words).exec()
    }
}

/// Runs `kernel` on a thread beside this one, and does its jobs here until it has ended. A kernel that takes over from an
/// earlier program and fails at it, or needs too long, gives its place to `back`.
///
/// # Errors
/// What `kernel` ended with, or that there is no thread for it.
pub(crate) fn attend(
    kernel: impl FnOnce(Sender<Job>) -> Result<(), HostError> + Send + 'static,
    mut berths: Option<Berths>,
    mut back: Option<Replacement>,
) -> Result<(), HostError> {
    let (jobs, wanted) = channel();
    let thread = std::thread::Builder::new().name("kernel".to_owned()).stack_size(KERNEL_STACK_BYTES);
    let thread = thread
        .spawn(move || {
            let ending = Ending(jobs.clone());
            let ended = kernel(jobs);
            drop(ending);
            ended
        })
        .map_err(|source| HostError::Thread { what: "kernel", source })?;
    let until = Instant::now() + TAKEN_OVER_WITHIN;
    while let Some(job) = next(&wanted, back.is_some().then_some(until), &mut back) {
        match job {
            Job::Launch(order, told) => {
                let born = launch(*order, berths.as_mut());
                match told {
                    // There is room for all that can be under way, so this waits for nothing; a shell that is gone wants
                    // nothing.
                    Told::Later(tell) => drop(tell.blocking_send(born)),
                    Told::Now(tell) => drop(tell.send(born)),
                }
            }
            Job::Replace(replacement, tell) => drop(tell.send(replacement.act())),
            Job::TakenOver => back = None,
            Job::Ended => break,
        }
    }
    end(thread, back)
}

/// The next job; nothing when the kernel's thread has ended.
fn next(wanted: &Receiver<Job>, until: Option<Instant>, back: &mut Option<Replacement>) -> Option<Job> {
    let Some(until) = until else { return wanted.recv().ok() };
    match wanted.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(job) => Some(job),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => {
            if let Some(back) = back.take() {
                tracing::error!(
                    "what was handed over is not taken in time; the earlier program takes it back"
                );
                let error = back.act();
                tracing::error!(%error, "the earlier program could not be started");
            }
            wanted.recv().ok()
        }
    }
}

fn end(thread: JoinHandle<Result<(), HostError>>, back: Option<Replacement>) -> Result<(), HostError> {
    let ended = thread.join();
    if let (Some(back), false) = (&back, matches!(ended, Ok(Ok(())))) {
        if let Ok(Err(error)) = &ended {
            let why = crate::launch::sentence(error);
            tracing::error!(%why, "what was handed over can't be taken; the earlier program takes it back");
        }
        let error = back.act();
        tracing::error!(%error, "the earlier program could not be started");
    }
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}
