//! Ctrl-C and its kin, for commands that have something to put back before they end. Commands that have nothing to put
//! back leave the signals alone and simply end.

use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::{Failure, Outcome};

/// A signal that asks a command to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, or the terminal was closed.
    Terminate,
}

/// Calls `act` on a thread of its own for every wish to end, until it answers that it has had enough.
///
/// # Errors
/// When signals can't be received.
pub(crate) fn on_wish(mut act: impl FnMut(Wish) -> Next + Send + 'static) -> Outcome<()> {
    let failed = |error: std::io::Error| {
        Failure::new("cli::signals::receive", "signals can't be received").caused_by(error.to_string())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let guard = runtime.enter();
    let mut wishes = Wishes {
        interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        terminate: signal(SignalKind::terminate()).map_err(failed)?,
        hangup: signal(SignalKind::hangup()).map_err(failed)?,
    };
    drop(guard);
    let spawned = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            while let Some(wish) = wishes.next().await {
                if act(wish) == Next::Enough {
                    return;
                }
            }
        });
    });
    spawned.map(|_| ()).map_err(|error| failed(error).into())
}

/// Whether further wishes are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Yes.
    GoOn,
    /// No.
    Enough,
}

struct Wishes {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Wishes {
    async fn next(&mut self) -> Option<Wish> {
        tokio::select! {
            got = self.interrupt.recv() => got.map(|()| Wish::Interrupt),
            got = self.terminate.recv() => got.map(|()| Wish::Terminate),
            got = self.hangup.recv() => got.map(|()| Wish::Terminate),
        }
    }
}
