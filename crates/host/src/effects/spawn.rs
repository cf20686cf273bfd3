//! The two ends of a life: the launch, and what has to happen between the end of a process and the kernel's knowing it.

use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::rc::Rc;

use abi::{ExitKind, Generation, ModuleId, Slot};
use kernel::{Event, SpawnFault};
use sandbox::Child;
use tokio::io::Interest;

use crate::cgroups::Cgroups;
use crate::clock::wall_now;
use crate::files::blueprint::Blueprint;
use crate::files::discovery::{mismatch, writable};
use crate::launch;
use crate::life::{Life, ReadyMade, Stream};
use crate::outbox::Outbox;
use crate::pipes::splitter;
use crate::shell::Shell;
use crate::tasks;

/// Why there is no process, and whether trying again can help.
type Failure = (SpawnFault, String);

impl Shell {
    /// Starts the next life that waits for it.
    pub(crate) fn launch_next(&mut self) {
        let Some((slot, generation)) = self.launches.pop_front() else { return };
        let event = match self.launch(slot, generation) {
            Ok(()) => Event::Spawned(slot, generation),
            Err((fault, why)) => Event::SpawnFailed(slot, generation, fault, why),
        };
        self.feed(event);
    }

    fn launch(&mut self, slot: Slot, generation: Generation) -> Result<(), Failure> {
        let gone = || (SpawnFault::Refused, "its description is gone".to_owned());
        let blueprint = self.blueprint(slot).ok_or_else(gone)?;
        self.check_seal(&blueprint)?;
        self.prepare(slot, &blueprint)?;
        let notify = match crate::ready::wants_socket(&blueprint) {
            true => {
                let bound = crate::ready::bind_socket(&self.notify_path(slot));
                Some(bound.map_err(|why| (SpawnFault::Refused, why))?)
            }
            false => None,
        };
        let mut berths = self.berths.take();
        let ready_made = self.seat_mut(slot).and_then(|seat| seat.ready_made.as_mut());
        let child = ready_made.map(|made| match &mut berths {
            Some(berths) => made.prepared.launch_from(berths),
            None => made.prepared.launch(),
        });
        self.berths = berths;
        let child = child.ok_or_else(gone)?.map_err(|error| launch::fault(&error))?;
        self.take_up(slot, generation, &blueprint, child, notify)
    }

    /// Are these still the files that were approved?
    fn check_seal(&mut self, blueprint: &Blueprint) -> Result<(), Failure> {
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
        self.kernel.grants(id).map(kernel::Grants::effective).unwrap_or_default()
    }

    /// Makes the launch, unless the last one still fits.
    fn prepare(&mut self, slot: Slot, blueprint: &Rc<Blueprint>) -> Result<(), Failure> {
        let effective = self.effective(&blueprint.id);
        let fits = self
            .seat(slot)
            .and_then(|seat| seat.ready_made.as_ref())
            .is_some_and(|made| Rc::ptr_eq(&made.blueprint, blueprint) && made.effective == effective);
        if fits {
            return Ok(());
        }
        let words = launch::command(blueprint, &effective, self.ground());
        let notify = crate::ready::wants_socket(blueprint).then(|| self.notify_path(slot));
        let mut wanted = launch::launch(blueprint, &effective, self.ground(), &words, notify.as_deref());
        let killed = self.seat(slot).map_or(0, |seat| seat.groups_killed);
        if let Some(spent) = self.seat(slot).and_then(|seat| seat.cgroup.as_deref()) {
            Cgroups::drop_group(spent);
        }
        wanted.cgroup = self.cgroups.group(&blueprint.id, killed);
        let cgroup = wanted.cgroup.clone();
        let prepared = wanted.prepare().map_err(|error| launch::fault(&error))?;
        let level = prepared.confinement().level(&self.proofs).to_string();
        let confinement = prepared.confinement().to_string().lines().map(str::to_owned).collect();
        let gone = || (SpawnFault::Refused, "its description is gone".to_owned());
        let seat = self.seat_or_new(slot).ok_or_else(gone)?;
        seat.containment = level;
        seat.confinement = confinement;
        seat.cgroup = cgroup;
        seat.ready_made = Some(ReadyMade { blueprint: blueprint.clone(), effective, prepared });
        Ok(())
    }

    /// Takes the child's descriptors into the event loop. What can't be watched is not kept: the child is ended.
    fn take_up(
        &mut self,
        slot: Slot,
        generation: Generation,
        blueprint: &Blueprint,
        child: Child,
        notify: Option<UnixDatagram>,
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
                end_unwatched(child.pid, &pidfd);
                return Err((SpawnFault::Failed, format!("its process can't be watched: {error}")));
            }
        };
        let read = |stream, pipe| tasks::read(self.handle(), slot, generation, stream, pipe);
        let reading = vec![read(Stream::Stdout, from_stdout), read(Stream::Stderr, from_stderr)];
        let life = Life {
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
            started: wall_now(),
            stop: blueprint.stop,
            tasks: reading,
            awaited_text: None,
            notify,
        };
        tasks::watch_end(self.handle(), slot, generation, watched);
        if let Some(seat) = self.seat_mut(slot) {
            seat.life = Some(life);
        }
        Ok(())
    }

    /// A process has ended: its last words are heard, what it left behind is killed, its end is taken, and only then is
    /// the kernel told, so that a successor meets nothing of it.
    pub(crate) fn life_ended(&mut self, slot: Slot, generation: Generation) {
        self.take_last_words(slot, generation);
        let Some(seat) = self.seat_mut(slot) else { return };
        let Some(mut life) = seat.life.take_if(|life| life.generation == generation) else { return };
        // Before it is reaped: until then its number can't be another group's.
        let _gone = sandbox::signal_group(life.pid, life.pidfd.as_fd(), sandbox::Signal::KILL);
        // What left its group too, where it has a pid namespace.
        drop(life.innermost.take());
        let (pidfd, cgroup) = (life.pidfd.clone(), seat.cgroup.clone());
        drop(life);
        self.kill_group(slot, cgroup.as_deref());
        let exit = match sandbox::reap(pidfd.as_fd()) {
            Ok(Some(exit)) => exit,
            // Nobody else reaps our children, so this is a system that takes them away by itself.
            Ok(None) | Err(_) => ExitKind::Signal(sandbox::Signal::KILL.number()),
        };
        crate::ready::remove_socket(self, slot);
        self.feed(Event::Exited(slot, generation, exit));
        self.end_turn();
    }
}

fn end_unwatched(pid: u32, pidfd: &Rc<std::os::fd::OwnedFd>) {
    let _gone = sandbox::signal_group(pid, pidfd.as_fd(), sandbox::Signal::KILL);
    // Its end is taken by the reaper of orphans, for whom it is nobody's child.
    let _later = sandbox::reap(pidfd.as_fd());
}
