//! How the host sees that a plain command is ready. Each look belongs to one life: it ends with it, and what it finds for
//! a dead life is dropped by the kernel.
//!
//! | probe | looked at | when |
//! |---|---|---|
//! | started | nothing | at once |
//! | tcp, http, exec | from outside | at once, then after 10 ms, 20 ms, … up to 250 ms, or in the interval that the file names |
//! | log | every line of the life | as they come |
//! | completed | nothing | the kernel hears of every end |
//! | notify | a socket of the life's own | as it says so |

use std::time::Duration;

use abi::{Generation, Slot};
use kernel::{Door, Event};
use protocol::files::policy::Probe;
use tokio::task::{AbortHandle, spawn_local};

use crate::files::blueprint::Blueprint;
use crate::shell::{Handle, Shell};

mod exec;
mod net;
mod notify;

pub(crate) use exec::Probes;
pub(crate) use notify::{bind_socket, remove_socket};

/// 10 ms before the second look: most programs listen within that.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// 250 ms between two looks at the most, so that readiness is seen soon and a slow start costs little.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// 2 s for one look: a server that takes longer to answer is not ready.
const LOOK_WITHIN: Duration = Duration::from_secs(2);

/// Whether a module tells its readiness through a socket of its own.
pub(crate) fn wants_socket(blueprint: &Blueprint) -> bool {
    blueprint.door == Door::Plain && blueprint.ready.probe == Probe::Notify
}

/// Begins to look whether this life is ready.
pub(crate) fn watch(shell: &mut Shell, slot: Slot, generation: Generation) {
    let Some(blueprint) = shell.blueprint(slot) else { return };
    let pace = Pace::new(blueprint.ready.interval);
    let handle = shell.handle();
    let task = match &blueprint.ready.probe {
        Probe::Started => {
            let now = shell.now();
            return shell.kernel.handle(now, Event::ReadySeen(slot, generation));
        }
        // The kernel sees the end of every process by itself.
        Probe::Completed => return,
        Probe::Log(text) => {
            let seat = shell.seat_mut(slot);
            if let Some(life) = seat.and_then(|seat| seat.life_of(generation)) {
                life.awaited_text = Some(text.clone());
            }
            let seat = shell.seat_mut(slot);
            if let Some(guest) = seat.and_then(|seat| seat.guest_of(generation)) {
                guest.awaited_text = Some(text.clone());
            }
            return;
        }
        Probe::Tcp { host, port } => {
            let place = net::Place { host: host.clone(), port: *port };
            when_seen(handle, slot, generation, net::listens(place, pace))
        }
        Probe::Http { host, port, path, status } => {
            let place = net::Place { host: host.clone(), port: *port };
            when_seen(handle, slot, generation, net::answers(place, path.clone(), *status, pace))
        }
        Probe::Exec(words) => {
            let Some(probe) = exec::Probe::new(shell, slot, &blueprint, words) else { return };
            when_seen(handle, slot, generation, probe.succeeds(pace))
        }
        Probe::Notify => {
            let socket = shell.life_mut(slot, generation).and_then(|life| life.notify.take());
            let Some(socket) = socket else { return };
            when_seen(handle, slot, generation, notify::says_ready(socket))
        }
    };
    let Some(seat) = shell.seat_mut(slot) else { return };
    match (seat.life_of(generation).is_some(), seat.guest_of(generation).is_some()) {
        (true, _) => seat.life_of(generation).into_iter().for_each(|life| life.tasks.push(task.clone())),
        (_, true) => seat.guest_of(generation).into_iter().for_each(|guest| guest.tasks.push(task.clone())),
        (false, false) => task.abort(),
    }
}

/// Tells the kernel when the look has come to its end.
fn when_seen(
    shell: Handle,
    slot: Slot,
    generation: Generation,
    look: impl Future<Output = ()> + 'static,
) -> AbortHandle {
    let looking = async move {
        look.await;
        if let Some(shell) = shell.upgrade() {
            let mut shell = shell.borrow_mut();
            shell.feed(Event::ReadySeen(slot, generation));
            shell.end_turn();
        }
    };
    spawn_local(looking).abort_handle()
}

/// How long to wait between two looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    next: Duration,
    fixed: bool,
}

impl Pace {
    fn new(interval: Option<Duration>) -> Self {
        Self { next: interval.unwrap_or(FIRST_WAIT), fixed: interval.is_some() }
    }

    /// Waits for the next look.
    async fn wait(&mut self) {
        tokio::time::sleep(self.next).await;
        if !self.fixed {
            self.next = (self.next * 2).min(LONGEST_WAIT);
        }
    }
}
