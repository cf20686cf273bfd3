//! The tasks of the one thread: each waits for one thing and gives the shell a turn when it has come.
//!
//! A task never keeps the shell borrowed while it waits. Tasks of a life end with it; the others end with the process.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Instant;

use abi::{Generation, Slot};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, spawn_local, yield_now};

use crate::effects::Born;
use crate::life::Stream;
use crate::limits::{FLOOD_READS, FLOOD_REST, LOOK_OUT, LOOK_OUTS_IN_VAIN_MAX, LOOK_OUTS_LEFT_OUT};
use crate::outbox::Written;
use crate::pipes::Took;
use crate::shell::{Handle, Shell};

/// A descriptor that the event loop watches.
pub(crate) type Watched = AsyncFd<Rc<OwnedFd>>;

/// Takes a descriptor into the event loop; it leaves it before it is closed, because the value owns a share of it.
///
/// # Errors
/// The system's own: epoll has no room for it.
#[expect(
    deprecated,
    reason = "the successor is unsafe for the sake of borrowed descriptors; this one is owned"
)]
pub(crate) fn watched(fd: Rc<OwnedFd>, interest: Interest) -> io::Result<Watched> {
    AsyncFd::with_interest(fd, interest)
}

/// Reads one output of one life until it ends.
pub(crate) fn read(
    shell: Handle,
    slot: Slot,
    generation: Generation,
    stream: Stream,
    pipe: Watched,
) -> AbortHandle {
    let reading = async move {
        let mut full_reads = 0;
        loop {
            let Ok(mut guard) = pipe.readable().await else { return };
            let Some(shell) = shell.upgrade() else { return };
            let took = shell.borrow_mut().take_in(slot, generation, stream);
            drop(shell);
            match took {
                // A read that was not filled has emptied the pipe; what comes later is told by epoll anew.
                Took::All => {
                    guard.clear_ready();
                    full_reads = 0;
                }
                Took::More => {
                    drop(guard);
                    rest_in_floods(&mut full_reads).await;
                }
                Took::Later(wait) => {
                    drop(guard);
                    tokio::time::sleep(wait).await;
                }
                Took::End => return,
            }
        }
    };
    spawn_local(reading).abort_handle()
}

/// Reads one lane of one life until that ends, whenever its bell is rung.
pub(crate) fn read_lane(shell: Handle, slot: Slot, generation: Generation, bell: Rc<Notify>) -> AbortHandle {
    let reading = async move {
        let mut full_reads = 0;
        loop {
            bell.notified().await;
            loop {
                let Some(strong) = shell.upgrade() else { return };
                let took = strong.borrow_mut().read_by_lane(slot, generation);
                drop(strong);
                match took {
                    Took::All => break,
                    Took::More => rest_in_floods(&mut full_reads).await,
                    Took::Later(wait) => tokio::time::sleep(wait).await,
                    Took::End => return,
                }
            }
            full_reads = 0;
        }
    };
    spawn_local(reading).abort_handle()
}

/// After a turn that was not the last: gives all others theirs, and in a flood more than that.
async fn rest_in_floods(full_reads: &mut u32) {
    *full_reads += 1;
    if (*full_reads).is_multiple_of(FLOOD_READS) {
        tokio::time::sleep(FLOOD_REST).await;
    } else {
        yield_now().await;
    }
}

/// Waits for the end of a life's process, then ends the life.
pub(crate) fn watch_end(shell: Handle, slot: Slot, generation: Generation, pidfd: Watched) {
    spawn_local(async move {
        // A pidfd that can't be waited for is looked at at once: it was registered, so this is its end too.
        let _ready = pidfd.readable().await;
        // It leaves epoll before the life lets go of it, so that it can't fire for whoever gets its number next.
        drop(pidfd);
        if let Some(shell) = shell.upgrade() {
            shell.borrow_mut().life_ended(slot, generation);
        }
    });
}

/// Waits for room in a module's pipe and goes on writing.
pub(crate) fn write_later(
    shell: Handle,
    slot: Slot,
    generation: Generation,
    pipe: Rc<OwnedFd>,
) -> AbortHandle {
    let writing = async move {
        let registered = watched(pipe, Interest::WRITABLE);
        let Ok(pipe) = registered else {
            // The system has no room to watch it; the next turn tries to write again.
            if let Some(shell) = shell.upgrade() {
                shell.borrow_mut().stop_waiting(slot, generation);
            }
            return;
        };
        loop {
            let Ok(mut guard) = pipe.writable().await else { return };
            let Some(strong) = shell.upgrade() else { return };
            let written = strong.borrow_mut().write_more(slot, generation);
            drop(strong);
            match written {
                Written::Blocked => guard.clear_ready(),
                Written::All | Written::Closed | Written::Dozing | Written::Broken(_) => return,
            }
        }
    };
    spawn_local(writing).abort_handle()
}

/// Fires at the kernel's next moment. One timer for everything: the kernel knows what is due.
pub(crate) async fn timer(shell: Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    loop {
        let next = {
            let mut shell = shell.borrow_mut();
            let next = shell.kernel.poll_timeout();
            shell.armed = next;
            next.map(|at| shell.clock.instant(at))
        };
        let due = match next {
            None => {
                bells.timer.notified().await;
                continue;
            }
            Some(at) => tokio::time::sleep_until(at.into()),
        };
        tokio::select! {
            () = due => shell.borrow_mut().time_passed(),
            // An earlier moment has come up.
            () = bells.timer.notified() => {}
        }
    }
}

/// Keeps the one thread awake for a moment after a frame, begun only while a call is open: the next frame is then found by looking
/// instead of by being woken. Every look gives all other tasks their turn.
pub(crate) async fn look_out(shell: Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    let (mut in_vain, mut left_out) = (0, 0);
    loop {
        bells.traffic.notified().await;
        if in_vain >= LOOK_OUTS_IN_VAIN_MAX && left_out < LOOK_OUTS_LEFT_OUT {
            left_out += 1;
            shell.borrow_mut().stop_looking_out();
            continue;
        }
        let found = look(&shell).await;
        shell.borrow_mut().stop_looking_out();
        left_out = 0;
        in_vain = if found == Found::Frames { 0 } else { in_vain.saturating_add(1) };
    }
}

/// What a look-out came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Frames,
    Nothing,
}

async fn look(shell: &Rc<RefCell<Shell>>) -> Found {
    let mut seen = shell.borrow().frames;
    let (mut until, mut found) = (Instant::now() + LOOK_OUT, Found::Nothing);
    loop {
        yield_now().await;
        shell.borrow_mut().look_at_lanes();
        let frames = shell.borrow().frames;
        let now = Instant::now();
        if frames != seen {
            (seen, until, found) = (frames, now + LOOK_OUT, Found::Frames);
        }
        // Also when the last call is answered: who calls one after the other is about to make the next.
        if now >= until {
            return found;
        }
    }
}

/// Starts what waits to be started, one per turn, with everything else in between.
pub(crate) async fn launcher(shell: Rc<RefCell<Shell>>) {
    let bells = shell.borrow().bells.clone();
    loop {
        bells.launches.notified().await;
        loop {
            let is_done = {
                let mut shell = shell.borrow_mut();
                shell.end_turn();
                !shell.has_launch_to_do()
            };
            if is_done {
                break;
            }
            yield_now().await;
        }
    }
}

/// Takes up what another thread has born.
pub(crate) async fn births(shell: Rc<RefCell<Shell>>, mut born: mpsc::Receiver<Born>) {
    while let Some(born) = born.recv().await {
        shell.borrow_mut().born(born);
    }
    shell.borrow_mut().births_lost();
}

/// Takes the ends of grandchildren that were left to us.
pub(crate) async fn reap_orphans(shell: Rc<RefCell<Shell>>, mut children: tokio::signal::unix::Signal) {
    let bells = shell.borrow().bells.clone();
    loop {
        tokio::select! {
            ended = children.recv() => if ended.is_none() { return },
            () = bells.orphans.notified() => {}
        }
        // Our own children's ends are taken first, by those who watch them: they would stand in the way.
        yield_now().await;
        loop {
            let shell = shell.borrow();
            // The number of a child that is being born is not known yet, so its end would pass for an orphan's.
            if shell.births.is_busy() {
                break;
            }
            let Some((pid, _)) = sandbox::reap_any_orphan(|pid| shell.is_ours(pid)) else { break };
            tracing::debug!(pid, "an orphan that a module left behind has ended");
        }
    }
}
