//! Signals to the kernel's own process, as wishes: stop, or read files again.
//!
//! They come through the runtime's own pipe, which is read like any other: a signal between two waits is not lost.
//!
//! | signal | wish |
//! |---|---|
//! | SIGINT, SIGTERM | stop everything in order; the second one does not wait |
//! | SIGUSR1 | read the configuration again |
//! | SIGUSR2 | read the permissions again |
//! | SIGHUP | read the modules again; but stop, when the terminal that we sit in was closed |

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use kernel::Order;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::run::{News, Presence};
use crate::shell::Shell;

/// The signals that are listened to. Made before the first child, so that none finds the default still in place.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    config: Signal,
    permissions: Signal,
    pub(crate) children: Option<Signal>,
    /// Whether a terminal was there that can be closed.
    had_terminal: bool,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system's own.
    pub(crate) fn listen(presence: Presence) -> io::Result<Self> {
        let had_terminal =
            presence == Presence::Foreground && rustix::termios::isatty(rustix::stdio::stdin());
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            config: signal(SignalKind::user_defined1())?,
            permissions: signal(SignalKind::user_defined2())?,
            children: Some(signal(SignalKind::child())?),
            had_terminal,
        })
    }
}

/// Does what signals wish for, until the process ends.
pub(crate) async fn obey(shell: Rc<RefCell<Shell>>, mut signals: Signals) {
    loop {
        // Every arm only receives, which loses nothing when another one comes first.
        tokio::select! {
            _ = signals.interrupt.recv() => stop(&shell),
            _ = signals.terminate.recv() => stop(&shell),
            _ = signals.hangup.recv() => {
                if signals.had_terminal {
                    stop(&shell);
                } else {
                    // What is broken is told as a trouble, and stays as it was.
                    let _told = crate::reload::modules(&shell).await;
                }
            }
            _ = signals.config.recv() => {
                let mut shell = shell.borrow_mut();
                shell.reload_config();
                shell.end_turn();
            }
            _ = signals.permissions.recv() => {
                let mut shell = shell.borrow_mut();
                // What is broken is told as a trouble, and stays as it was.
                let _told = shell.reload_policies();
                let _told = shell.reload_permissions();
                shell.end_turn();
            }
        }
    }
}

/// A wish to stop. The kernel takes a second one as impatience.
fn stop(shell: &Rc<RefCell<Shell>>) {
    let mut shell = shell.borrow_mut();
    if !std::mem::replace(&mut shell.is_stopping, true) {
        crate::manager::tell("STOPPING=1");
        shell.talk.tell(&News::Stopping);
    }
    shell.order(Order::Shutdown);
    shell.end_turn();
}
