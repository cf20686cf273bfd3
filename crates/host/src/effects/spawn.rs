//! The two ends of a life: the launch, and what has to happen between the end of a process and the kernel's knowing it.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use abi::{ExitKind, Generation, ModuleId, Slot};
use kernel::{Event, SpawnFault};
use sandbox::Child;
use tokio::io::Interest;

use crate::cgroups::Cgroups;
use crate::clock::wall_now;
use crate::effects::births::{Born, Order, UnderWay};
use crate::files::blueprint::Blueprint;
use crate::files::discovery::{mismatch, writable};
use crate::governor::Held;
use crate::lane::LaneEnd;
use crate::launch::{self, Ground};
use crate::life::{Life, ReadyMade, Stream};
use crate::minimum;
use crate::net::{self, Terms, Watching};
use crate::outbox::Outbox;
use crate::pipes::splitter;
use crate::runtime::Runtime;
use crate::shell::Shell;
use crate::tasks;
use crate::usage::Lately;

/// Why there is no process, and whether trying again can help.
type Failure = (SpawnFault, String);

const CANCELLED: &str = "it was told to end before it was started";

const LOST: &str = "the thread that starts processes has ended";

/// How far a launch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Launched {
    Runs,
    /// Its end is told by [`Shell::born`], or by the thread that makes a WebAssembly module.
    UnderWay,
}

impl Shell {
    /// Starts the next life that waits for it.
    pub(crate) fn launch_next(&mut self) {
        if self.births.is_full() || self.is_leaving {
            return;
        }
        let Some((slot, generation)) = self.launches.pop_front() else { return };
        match self.launch(slot, generation) {
            Ok(Launched::Runs) => self.feed(Event::Spawned(slot, generation)),
            Ok(Launched::UnderWay) => {}
            Err((fault, why)) => self.feed(Event::SpawnFailed(slot, generation, fault, why)),
        }
    }

    fn launch(&mut self, slot: Slot, generation: Generation) -> Result<Launched, Failure> {
        let gone = || (SpawnFault::Refused, "its description is gone".to_owned());
        let blueprint = self.blueprint(slot).ok_or_else(gone)?;
        self.check_seal(&blueprint)?;
        if blueprint.runtime == Runtime::Wasm {
            return self.launch_guest(slot, generation, &blueprint).map(|()| Launched::UnderWay);
        }
        let cgroup = self.prepare_beside(slot, &blueprint)?;
        let notify = match crate::ready::wants_socket(&blueprint) {
            true => {
                let bound = crate::ready::bind_socket(&self.notify_path(slot));
                Some(bound.map_err(|why| (SpawnFault::Refused, why))?)
            }
            false => None,
        };
        let made = self.seat_mut(slot).and_then(|seat| seat.ready_made.take()).ok_or_else(gone)?;
        let ReadyMade { effective, prepared, .. } = made;
        let (lane, handed) = LaneEnd::make(&blueprint);
        let under_way =
            UnderWay { slot, generation, blueprint, effective, notify, lane, cgroup, is_cancelled: false };
        let order = Order { prepared, handed: handed.into_iter().collect() };
        let lost = |_| (SpawnFault::Failed, LOST.to_owned());
        // Alone, it is quickest when it is waited for.
        if !self.launches.is_empty() || self.births.is_busy() {
            return self.births.order(order, under_way).map(|()| Launched::UnderWay).map_err(lost);
        }
        let born = self.births.launch_and_wait(order).map_err(lost)?;
        self.arrive(under_way, born)?;
        Ok(Launched::Runs)
    }

    /// The launch is kept for the next life, and the child taken up.
    fn arrive(&mut self, launch: UnderWay, born: Born) -> Result<(), Failure> {
        let UnderWay { slot, generation, blueprint, effective, notify, lane, cgroup, .. } = launch;
        let Born { prepared, result } = born;
        let net = effective.net.clone();
        let watching = Watching::of(&blueprint, &effective, &self.surrounding.user_home(), &prepared);
        // What was made for a life beside another is for that group alone.
        if let Some(seat) = self.seat_mut(slot).filter(|seat| seat.life.is_none()) {
            seat.ready_made = Some(ReadyMade { blueprint: blueprint.clone(), effective, prepared });
        }
        let mut child = result.map_err(|error| launch::fault(&error))?;
        if let Some(watched) = child.watched.take() {
            let life = (&blueprint.id, generation);
            let handed = self.net.hand_over(&self.handle(), life, Terms { net, watching }, &watched);
            if let Err(error) = handed {
                self.end_newborn(slot, child, cgroup.as_deref());
                return Err((SpawnFault::Failed, format!("the net helper can't take it: {error}")));
            }
            let bearer = net::bearer(&blueprint, self.observed.manner(&blueprint));
            self.feed(Event::NetCarried(slot, generation, bearer));
        }
        self.take_up((slot, generation), &blueprint, child, notify, cgroup)?;
        if let Some(life) = self.life_mut(slot, generation) {
            life.lane = lane;
        }
        Ok(())
    }

    /// The thread of births has done its next launch.
    pub(crate) fn born(&mut self, born: Born) {
        let Some(launch) = self.births.next() else { return };
        let (slot, generation) = (launch.slot, launch.generation);
        let arrived = match born.result {
            Ok(child) if launch.is_cancelled || self.seat(slot).is_none() => {
                self.end_newborn(slot, child, launch.cgroup.as_deref());
                Err((SpawnFault::Failed, CANCELLED.to_owned()))
            }
            result => self.arrive(launch, Born { result, ..born }),
        };
        self.feed(match arrived {
            Ok(()) => Event::Spawned(slot, generation),
            Err((fault, why)) => Event::SpawnFailed(slot, generation, fault, why),
        });
        self.births_went_on();
    }

    /// The thread of births is gone, and what it had will not come.
    pub(crate) fn births_lost(&mut self) {
        while let Some(UnderWay { slot, generation, .. }) = self.births.next() {
            self.feed(Event::SpawnFailed(slot, generation, SpawnFault::Failed, LOST.to_owned()));
        }
        self.births_went_on();
    }

    fn births_went_on(&mut self) {
        if !self.births.is_busy() {
            // Ends that came meanwhile could not be told from those of newborn modules.
            self.bells.orphans.notify_one();
        }
        self.end_turn();
    }

    /// A child that nobody wants any more.
    fn end_newborn(&mut self, slot: Slot, child: Child, cgroup: Option<&Path>) {
        end_unwatched(child.pid, child.pidfd.as_fd());
        drop(child);
        self.kill_group(slot, cgroup);
    }

    /// A life that is to end before it was launched is not launched; one that is being born ends at once.
    pub(super) fn cancel_launch(&mut self, slot: Slot, generation: Generation) {
        if self.births.cancel(slot, generation) {
            return;
        }
        let waiting = self.launches.iter().position(|launch| *launch == (slot, generation));
        if let Some(at) = waiting {
            self.launches.remove(at);
            let now = self.now();
            let failed = Event::SpawnFailed(slot, generation, SpawnFault::Failed, CANCELLED.to_owned());
            self.kernel.handle(now, failed);
        }
    }

    /// Are these still the files that were approved?
    pub(crate) fn check_seal(&mut self, blueprint: &Blueprint) -> Result<(), Failure> {
        let Some(seal) = &blueprint.seal else { return Ok(()) };
        let effective = self.effective(&blueprint.id);
        let writable = writable(&effective, seal, &self.surrounding.user_home());
        let refused = |why: String| (SpawnFault::Refused, why);
        let looked = self.files.hashes.look(seal, &writable);
        let hashes = looked.map_err(|error| refused(format!("its files can't be read: {error}")))?;
        match mismatch(&self.files.approvals, &blueprint.id, &hashes) {
            Some(why) => Err(refused(why)),
            None => Ok(()),
        }
    }

    /// Kills what is in a module's group, which is of no use after that: the next launch makes another.
    pub(crate) fn kill_group(&mut self, slot: Slot, group: Option<&Path>) {
        let Some(group) = group else { return };
        if Cgroups::kill(group)
            && let Some(seat) = self.seat_mut(slot)
        {
            seat.groups_killed += 1;
            seat.ready_made = None;
        }
    }

    pub(crate) fn effective(&self, id: &ModuleId) -> abi::Permissions {
        self.kernel.find(id.as_str()).map(|slot| self.kernel.effective(slot)).unwrap_or_default()
    }

    /// Makes the launch, and gives the group that it is for. A life beside another one gets a group of its own, so that
    /// whatever ends one of them leaves the other.
    fn prepare_beside(&mut self, slot: Slot, blueprint: &Rc<Blueprint>) -> Result<Option<PathBuf>, Failure> {
        let beside = self.seat_mut(slot).filter(|seat| seat.life.is_some()).map(|seat| {
            seat.groups_killed += 1;
            seat.ready_made = None;
            // Of a swap that came to nothing.
            seat.held_since = None;
            seat.cgroup.take()
        });
        let prepared = self.prepare(slot, blueprint);
        let Some(seat) = self.seat_mut(slot) else { return prepared.map(|()| None) };
        let cgroup = seat.cgroup.clone();
        if let Some(before) = beside {
            seat.cgroup = before;
        }
        prepared.map(|()| cgroup)
    }

    /// Makes the launch, unless the last one still fits.
    fn prepare(&mut self, slot: Slot, blueprint: &Rc<Blueprint>) -> Result<(), Failure> {
        let effective = self.effective(&blueprint.id);
        let manner = self.manner_of_next(slot, blueprint, &effective.net);
        let fits = self.seat(slot).and_then(|seat| seat.ready_made.as_ref()).is_some_and(|made| {
            let is_alike = made.prepared.confinement().observed() == manner;
            is_alike && Rc::ptr_eq(&made.blueprint, blueprint) && made.effective == effective
        });
        let zone = self.kernel.zone(slot).unwrap_or_default();
        // A module that was promoted is born into its new pool.
        let group = self.seat(slot).and_then(|seat| seat.cgroup.as_deref());
        let fits = fits && group.is_none_or(|group| Cgroups::is_of(group, zone));
        if fits {
            return Ok(());
        }
        let words = launch::command(blueprint, &effective, self.ground());
        let words = launch::bridged(blueprint, words, self.files.bridge.as_deref())
            .map_err(|why| (SpawnFault::Refused, why))?;
        let notify = crate::ready::wants_socket(blueprint).then(|| self.notify_path(slot));
        let ground = Ground { manner, ..self.ground() };
        let mut wanted = launch::launch(blueprint, &effective, ground, &words, notify.as_deref());
        let killed = self.seat(slot).map_or(0, |seat| seat.groups_killed);
        if let Some(spent) = self.seat(slot).and_then(|seat| seat.cgroup.as_deref()) {
            Cgroups::drop_group(spent);
            self.governor.forget(spent);
        }
        wanted.cgroup = self.cgroups.group(zone, &blueprint.id, killed);
        let cgroup = wanted.cgroup.clone();
        let prepared = wanted.prepare().map_err(|error| launch::fault(&error))?;
        let level = prepared.confinement().level(&self.proofs);
        let asked = blueprint.minimum.max(self.files.config.settings().minimum);
        if let Err(error) = minimum::check(&level, asked) {
            return Err((SpawnFault::Refused, launch::sentence(&error)));
        }
        let level = level.to_string();
        let confinement = prepared.confinement().to_string().lines().map(str::to_owned).collect();
        let gone = || (SpawnFault::Refused, "its description is gone".to_owned());
        let seat = self.seat_or_new(slot).ok_or_else(gone)?;
        seat.containment = level;
        seat.confinement = confinement;
        seat.cgroup = cgroup;
        seat.ready_made = Some(ReadyMade { blueprint: blueprint.clone(), effective, prepared });
        self.bound_group(slot);
        Ok(())
    }

    /// Takes the child's descriptors into the event loop. What can't be watched is not kept: the child is ended.
    pub(crate) fn take_up(
        &mut self,
        (slot, generation): (Slot, Generation),
        blueprint: &Blueprint,
        child: Child,
        notify: Option<UnixDatagram>,
        cgroup: Option<PathBuf>,
    ) -> Result<(), Failure> {
        let pidfd = Rc::new(child.pidfd);
        let (stdout, stderr) = (Rc::new(child.stdout), Rc::new(child.stderr));
        let registered = tasks::watched(pidfd.clone(), Interest::READABLE).and_then(|pidfd| {
            let stdout = tasks::watched(stdout.clone(), Interest::READABLE)?;
            Ok((pidfd, stdout, tasks::watched(stderr.clone(), Interest::READABLE)?))
        });
        let (watched, from_stdout, from_stderr) = match registered {
            Ok(registered) => registered,
            Err(error) => {
                end_unwatched(child.pid, pidfd.as_fd());
                return Err((SpawnFault::Failed, format!("its process can't be watched: {error}")));
            }
        };
        let read = |stream, pipe| tasks::read(self.handle(), slot, generation, stream, pipe);
        let reading = vec![read(Stream::Stdout, from_stdout), read(Stream::Stderr, from_stderr)];
        let mut life = Life {
            generation,
            door: blueprint.door,
            pid: child.pid,
            pidfd,
            innermost: child.innermost,
            stdout,
            stderr,
            stdout_lines: Some(splitter(Stream::Stdout, blueprint.door)),
            stderr_lines: Some(splitter(Stream::Stderr, blueprint.door)),
            outbox: Outbox::new(child.stdin.map(Rc::new)),
            lane: LaneEnd::Absent,
            started: wall_now(),
            stop: blueprint.stop,
            cgroup,
            tasks: reading,
            awaited_text: None,
            notify,
            held: Held::default(),
            used: Lately::default(),
        };
        self.adopt(slot, &mut life);
        tasks::watch_end(self.handle(), slot, generation, watched);
        if let Some(seat) = self.seat_mut(slot) {
            seat.put_life(life);
        }
        Ok(())
    }

    /// A process has ended: its last words are heard, what it left behind is killed, its end is taken, and only then is
    /// the kernel told, so that a successor meets nothing of it.
    pub(crate) fn life_ended(&mut self, slot: Slot, generation: Generation) {
        self.take_last_words(slot, generation);
        let Some(seat) = self.seat_mut(slot) else { return };
        let is_beside = seat.sides.iter().any(|life| life.generation == generation);
        let Some(mut life) = seat.take_life(generation) else { return };
        // Before it is reaped: until then its number can't be another group's.
        let _gone = sandbox::signal_group(life.pid, life.pidfd.as_fd(), sandbox::Signal::KILL);
        // What left its group too, where it has a pid namespace: that ends with this value.
        let is_namespaced = life.innermost.take().is_some();
        let (pidfd, cgroup) = (life.pidfd.clone(), life.cgroup.take());
        let held = std::mem::take(&mut life.held);
        drop(life);
        if !is_beside {
            self.tell_memory_kill(slot, generation);
            self.release_group(slot, &held);
        }
        if !(is_namespaced && cgroup.as_deref().is_some_and(Cgroups::is_ending)) {
            self.kill_group(slot, cgroup.as_deref());
        }
        let exit = match sandbox::reap(pidfd.as_fd()) {
            Ok(Some(exit)) => exit,
            // Nobody else reaps our children, so this is a system that takes them away by itself.
            Ok(None) | Err(_) => ExitKind::Signal(sandbox::Signal::KILL.number()),
        };
        if is_beside {
            self.drop_group_beside(cgroup.as_deref());
        } else {
            crate::ready::remove_socket(self, slot);
        }
        self.forget_asks(slot, generation);
        self.feed(Event::Exited(slot, generation, exit));
        self.end_turn();
    }
}

impl Shell {
    /// The group of a life that stood beside another is of no use any more.
    fn drop_group_beside(&mut self, group: Option<&Path>) {
        if let Some(group) = group {
            Cgroups::drop_group(group);
            self.governor.forget(group);
        }
    }
}

fn end_unwatched(pid: u32, pidfd: BorrowedFd<'_>) {
    let _gone = sandbox::signal_group(pid, pidfd, sandbox::Signal::KILL);
    // Its end is taken by the reaper of orphans, for whom it is nobody's child.
    let _later = sandbox::reap(pidfd);
}
