//! Readiness seen by a command that leaves with 0. It runs under the module's own confinement and environment.

use std::cell::RefCell;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use abi::{ExitKind, Generation, ModuleId, Slot};
use sandbox::Prepared;
use tokio::io::Interest;
use tokio::time::timeout;

use super::{LOOK_WITHIN, Pace};
use crate::files::blueprint::Blueprint;
use crate::launch;
use crate::net::{NetHelper, Terms};
use crate::shell::{Handle, Shell};
use crate::tasks;

/// Processes of probes that run now: their ends are taken here, not by the reaper of orphans.
pub(crate) type Probes = Rc<RefCell<Vec<u32>>>;

/// A probe that can be run again and again.
#[derive(Debug)]
pub(super) struct Probe {
    prepared: Prepared,
    running: Probes,
    net: Net,
}

/// What a probe needs to reach what its module may.
#[derive(Debug)]
struct Net {
    helper: Rc<NetHelper>,
    shell: Handle,
    life: (ModuleId, Generation),
}

impl Probe {
    /// Makes it; a command that can't be run is told once, in the module's log.
    pub(super) fn new(
        shell: &mut Shell,
        slot: Slot,
        blueprint: &Blueprint,
        words: &[String],
    ) -> Option<Self> {
        let effective = shell.effective(&blueprint.id);
        let mut wanted = launch::launch(blueprint, &effective, shell.ground(), words, None);
        wanted.cgroup = shell.seat(slot).and_then(|seat| seat.cgroup.clone());
        let generation = shell.seat(slot)?.life.as_ref()?.generation;
        let life = (blueprint.id.clone(), generation);
        let net = Net { helper: shell.net.clone(), shell: shell.handle(), life };
        match wanted.prepare() {
            Ok(prepared) => Some(Self { prepared, running: shell.probes.clone(), net }),
            Err(error) => {
                let text = format!("its readiness can't be looked at: {}", launch::sentence(&error));
                shell.warn(slot, generation, text);
                None
            }
        }
    }

    /// Comes to its end when the command has left with 0.
    pub(super) async fn succeeds(mut self, mut pace: Pace) {
        loop {
            if matches!(timeout(LOOK_WITHIN, self.run_once()).await, Ok(Some(exit)) if exit.is_success()) {
                return;
            }
            pace.wait().await;
        }
    }

    async fn run_once(&mut self) -> Option<ExitKind> {
        let child = self.prepared.launch().ok()?;
        if let Some(watched) = &child.watched {
            let Net { helper, shell, life: (id, generation) } = &self.net;
            // What its module may reach now: that may have changed since the last look.
            let net = shell.upgrade().map(|shell| shell.borrow().effective(id).net).unwrap_or_default();
            // Without the helper it has no network, and says so by its end.
            let _ = helper.hand_over(shell, (id, *generation), Terms::of(&net), watched);
        }
        self.running.borrow_mut().push(child.pid);
        let run = Run { pid: child.pid, pidfd: Rc::new(child.pidfd), running: self.running.clone() };
        // What it says is not read; its pipes stay open so that saying something does not end it.
        let _pipes = (child.stdout, child.stderr);
        let watched = tasks::watched(run.pidfd.clone(), Interest::READABLE).ok()?;
        let _ready = watched.readable().await.ok()?;
        sandbox::reap(run.pidfd.as_fd()).ok().flatten()
    }
}

/// One run. However it is left, its process is ended; if that is not at once, the reaper of orphans takes its end.
struct Run {
    pid: u32,
    pidfd: Rc<OwnedFd>,
    running: Probes,
}

impl Drop for Run {
    fn drop(&mut self) {
        let _gone = sandbox::signal_group(self.pid, self.pidfd.as_fd(), sandbox::Signal::KILL);
        let _later = sandbox::reap(self.pidfd.as_fd());
        self.running.borrow_mut().retain(|pid| *pid != self.pid);
    }
}
