//! Leaving: everything that the next program needs, as a value, and the descriptors that stay open for it.

use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ChildStdin;
use std::rc::Weak;

use abi::Slot;
use protocol::lines::LineDecoder;
use sandbox::inherited::{Kept, keep_open};
use store::HomeLock;

use super::form::{Left, LifeLeft, Rest, RestartLeft, SeatLeft, text_of};
use super::image::json_of;
use crate::clock::monotonic_ns;
use crate::life::{Life, Seat};
use crate::shell::Shell;

/// What a kernel holds beside its lives, and must not lose: owned by the boot, which lets go of it at the end.
#[derive(Debug, Default)]
pub(crate) struct Keepsakes {
    pub(crate) lock: Weak<HomeLock>,
    pub(crate) door: Weak<OwnedFd>,
    pub(crate) sentinel: Weak<ChildStdin>,
}

/// Where it all goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    /// The hash of the binary that takes over.
    pub(crate) to: &'a str,
    /// The binary that takes it back.
    pub(crate) back: &'a Path,
    /// The words with which it is started.
    pub(crate) words: &'a [OsString],
}

impl Shell {
    /// Everything, at this moment; nothing when the boot's own things are gone, as at the end.
    pub(crate) fn left(&self, way: Way<'_>) -> Option<Left> {
        let lock = self.keepsakes.lock.upgrade()?;
        let door = self.keepsakes.door.upgrade()?;
        let sentinel = self.keepsakes.sentinel.upgrade();
        let seats = self.seats_by_slot();
        Some(Left {
            version: self.version.clone(),
            to: way.to.to_owned(),
            back: way.back.display().to_string(),
            words: way.words.iter().map(|word| text_of(word.as_bytes())).collect(),
            left_ns: monotonic_ns(),
            began_ns: self.clock.began_ns(),
            started_wall_ms: self.clock.started_wall().0,
            lock: lock.file().as_raw_fd(),
            door: door.as_raw_fd(),
            sentinel: sentinel.map(|pipe| pipe.as_raw_fd()),
            net: self.net.line().map(|line| line.as_raw_fd()),
            cgroups: self.cgroups.dir().map(|dir| dir.display().to_string()),
            frames: self.frames,
            kernel: json_of(&self.kernel.save()),
            restarts: seats.iter().filter_map(|(slot, seat)| restart_of(*slot, seat)).collect(),
            seats: seats.into_iter().map(|(slot, seat)| seat_of(slot, seat)).collect(),
            launches: self.launches.iter().map(|(slot, generation)| (slot.0, generation.0)).collect(),
            by_hand: self.by_hand.clone(),
            stream: self.talk.stream.leave(),
        })
    }

    /// Modules that would not run on.
    pub(crate) fn restarts_at_handover(&self) -> Vec<String> {
        let seats = self.seats_by_slot();
        seats.iter().filter_map(|(slot, seat)| restart_of(*slot, seat)).map(|one| one.id).collect()
    }

    /// Says of everything that was named whether the next program finds it open. The first failure ends it.
    pub(crate) fn keep_all(&self, kept: Kept) -> std::io::Result<()> {
        let keep = |fd: BorrowedFd<'_>| keep_open(fd, kept);
        self.keepsakes.lock.upgrade().map_or(Ok(()), |lock| keep(lock.file().as_fd()))?;
        self.keepsakes.door.upgrade().map_or(Ok(()), |door| keep(door.as_fd()))?;
        self.keepsakes.sentinel.upgrade().map_or(Ok(()), |pipe| keep(pipe.as_fd()))?;
        self.net.line().map_or(Ok(()), |line| keep(line.as_fd()))?;
        for (_, seat) in self.seats_by_slot() {
            let Some(life) = &seat.life else { continue };
            keep(life.pidfd.as_fd())?;
            keep(life.stdout.as_fd())?;
            keep(life.stderr.as_fd())?;
            life.outbox.pipe().map_or(Ok(()), |pipe| keep(pipe.as_fd()))?;
            life.innermost.as_ref().map_or(Ok(()), |first| keep(first.pidfd()))?;
        }
        Ok(())
    }
}

/// A WebAssembly module lives in the program itself, and a lane's positions are known to nobody else.
fn restart_of(slot: Slot, seat: &Seat) -> Option<RestartLeft> {
    let (generation, is_gone) = match (&seat.guest, &seat.life) {
        (Some(guest), _) => (guest.generation, true),
        (None, Some(life)) if !life.lane.is_absent() => (life.generation, false),
        (None, _) => return None,
    };
    Some(RestartLeft { id: seat.id.to_string(), slot: slot.0, generation: generation.0, is_gone })
}

fn seat_of(slot: Slot, seat: &Seat) -> SeatLeft {
    let tally = seat.tally;
    SeatLeft {
        id: seat.id.to_string(),
        slot: slot.0,
        tally: [
            tally.frames_in,
            tally.calls_in,
            tally.frames_out,
            tally.dropped,
            tally.bad_lines,
            tally.log_lost,
        ],
        stderr_tail: text_of(&seat.stderr_tail.bytes()),
        containment: seat.containment.clone(),
        confinement: seat.confinement.clone(),
        cgroup: seat.cgroup.as_ref().map(|path| path.display().to_string()),
        groups_killed: seat.groups_killed,
        life: seat.life.as_ref().map(life_of),
    }
}

fn life_of(life: &Life) -> LifeLeft {
    LifeLeft {
        generation: life.generation.0,
        pid: life.pid,
        pidfd: life.pidfd.as_raw_fd(),
        innermost: life.innermost.as_ref().map(|first| first.pidfd().as_raw_fd()),
        stdin: life.outbox.pipe().map(|pipe| pipe.as_raw_fd()),
        stdout: life.stdout.as_raw_fd(),
        stderr: life.stderr.as_raw_fd(),
        stdout_rest: rest_of(life.stdout_lines.as_ref()),
        stderr_rest: rest_of(life.stderr_lines.as_ref()),
        waiting: text_of(&life.outbox.waiting()),
        started_ms: life.started.0,
    }
}

fn rest_of(lines: Option<&LineDecoder>) -> Rest {
    let (tail, dropped) = lines.map_or((&[][..], None), LineDecoder::unfinished);
    Rest { tail: text_of(tail), dropped }
}
