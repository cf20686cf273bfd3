//! Compiling, bounded in time and in how many run at once.
//!
//! Cranelift can't be interrupted. So each compilation has a thread of its own; who waits for it gives up after a
//! while, and the thread ends by itself, because the size of what it compiles was bounded before.

use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use crate::engine::Engine;
use crate::limits::{COMPILATIONS_MAX, COMPILE_TIME_MAX};
use crate::module::chain;

/// 8 MiB of stack for a compilation: Cranelift recurses over nested blocks, and a thread's usual 2 MiB are too few.
const COMPILER_STACK_BYTES: usize = 8 << 20;

/// Why a valid component was not compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It uses something that this engine does not do.
    #[error("{reason}")]
    Failed {
        /// What the compiler said.
        reason: String,
    },
    /// It took too long.
    #[error("it was given up after {after:?}")]
    TookTooLong {
        /// The bound.
        after: Duration,
    },
    /// Others took all the time there was to wait.
    #[error("{running} compilations were running for {after:?}")]
    Busy {
        /// How many.
        running: usize,
        /// The bound.
        after: Duration,
    },
    /// The thread could not be started.
    #[error("no thread could be started for it")]
    NoThread,
}

/// How many compilations run; those that were given up count until they end.
static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// One place among the compilations that may run.
struct Place;

impl Place {
    fn take(until: Instant) -> Option<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= COMPILATIONS_MAX {
            let left = until.checked_duration_since(Instant::now())?;
            running = ENDED.wait_timeout(running, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *running += 1;
        Some(Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}

/// Compiles a component that was checked.
pub(crate) fn component(engine: &Engine, binary: &[u8]) -> Result<Component, CompileError> {
    let engine = engine.wasmtime().clone();
    let binary = binary.to_vec();
    within(COMPILE_TIME_MAX, move || {
        Component::from_binary(&engine, &binary)
            .map_err(|error| CompileError::Failed { reason: chain(&error) })
    })
}

/// Runs `work` on a thread of its own and waits for it no longer than `time_max`.
pub(crate) fn within<T: Send + 'static>(
    time_max: Duration,
    work: impl FnOnce() -> Result<T, CompileError> + Send + 'static,
) -> Result<T, CompileError> {
    let until = Instant::now() + time_max;
    let busy = CompileError::Busy { running: COMPILATIONS_MAX, after: time_max };
    let place = Place::take(until).ok_or(busy)?;
    let (tx, rx) = mpsc::sync_channel(1);
    let started = thread::Builder::new()
        .name("wasm-compile".to_owned())
        .stack_size(COMPILER_STACK_BYTES)
        .spawn(move || {
            let result = work();
            drop(place);
            // Nobody listens any more when it took too long.
            let _ = tx.send(result);
        });
    started.map_err(|_| CompileError::NoThread)?;
    match rx.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(CompileError::TookTooLong { after: time_max }),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(CompileError::Failed { reason: "the compiler itself failed; this is a bug".to_owned() })
        }
    }
}

#[cfg(test)]
mod tests;
