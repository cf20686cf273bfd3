//! What the host keeps of a module: its seat, which stays, and the one life that may be in it.
//!
//! # The life of a process
//! ```text
//! Spawn ─► launched ─► (reads, writes, signals) ─► pidfd readable ─► last words drained ─► group killed ─► reaped
//!                                                                                             │
//!                                   tasks end, descriptors leave epoll before they close ◄────┘─► Exited
//! ```
//! Only the task that watches the pidfd ends a life. Everything else finds a life by seat *and* generation, so that what
//! comes late for a dead one finds nothing.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use abi::limits::STDERR_TAIL_BYTES;
use abi::{Generation, ModuleId, Permissions, Wall};
use kernel::Door;
use protocol::lines::LineDecoder;
use sandbox::{Innermost, Prepared};
use tokio::task::AbortHandle;

use crate::files::blueprint::Blueprint;
use crate::governor::Held;
use crate::guests::Guest;
use crate::lane::LaneEnd;
use crate::outbox::Outbox;
use crate::usage::Lately;

/// Which of a module's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Numbers about a module since the kernel knows it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Frames it sent.
    pub(crate) frames_in: u64,
    /// Calls among them.
    pub(crate) calls_in: u64,
    /// Frames it was sent.
    pub(crate) frames_out: u64,
    /// Frames dropped because its queue was full.
    pub(crate) dropped: u64,
    /// Lines from it that were no frames, were refused, or were too long.
    pub(crate) bad_lines: u64,
    /// Log lines that found no room.
    pub(crate) log_lost: u64,
}

/// A module's place in the host.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) id: ModuleId,
    pub(crate) life: Option<Life>,
    /// Lives beside it, during a swap and after it: none but then.
    pub(crate) sides: Vec<Life>,
    /// Since when messages for it are held, while its state is on the way to another life.
    pub(crate) held_since: Option<Instant>,
    /// How long they were held at its last swap, in microseconds.
    pub(crate) pause_us: u64,
    /// The life of a WebAssembly module; a seat has one of the two at the most.
    pub(crate) guest: Option<Guest>,
    /// The launch that was made last; used again as long as nothing that it follows from has changed.
    pub(crate) ready_made: Option<ReadyMade>,
    pub(crate) tally: Tally,
    /// The last bytes of its stderr, over its lives.
    pub(crate) stderr_tail: Tail,
    /// The containment of its last launch; empty before the first.
    pub(crate) containment: String,
    /// The layers of its last launch, one line each.
    pub(crate) confinement: Vec<String>,
    /// Its cgroup, once it had a life.
    pub(crate) cgroup: Option<PathBuf>,
    /// How many of its cgroups were killed. Linux up to at least 6.18 kills every child that is born by `clone3` into a
    /// group that was killed before, because it compares the group's count of kills with the parent's group's; so
    /// the next life needs a group that never was.
    pub(crate) groups_killed: u32,
}

/// A prepared launch and what it was made from.
#[derive(Debug)]
pub(crate) struct ReadyMade {
    pub(crate) blueprint: Rc<Blueprint>,
    pub(crate) effective: Permissions,
    pub(crate) prepared: Prepared,
}

/// One running process.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) generation: Generation,
    pub(crate) door: Door,
    pub(crate) pid: u32,
    pub(crate) pidfd: Rc<OwnedFd>,
    /// What ends with this life, and ends all that it has started: kept for that alone.
    pub(crate) innermost: Option<Innermost>,
    pub(crate) stdout: Rc<OwnedFd>,
    pub(crate) stderr: Rc<OwnedFd>,
    /// Nothing while its lines are being read: see [`crate::pipes`].
    pub(crate) stdout_lines: Option<LineDecoder>,
    pub(crate) stderr_lines: Option<LineDecoder>,
    pub(crate) outbox: Outbox,
    pub(crate) lane: LaneEnd,
    pub(crate) started: Wall,
    pub(crate) stop: sandbox::Signal,
    /// The group that it was born into, for itself alone.
    pub(crate) cgroup: Option<PathBuf>,
    /// The tasks that end with it.
    pub(crate) tasks: Vec<AbortHandle>,
    /// A text that shows that it is ready, while that is waited for.
    pub(crate) awaited_text: Option<String>,
    /// The socket on which it says that it is ready, until that is waited for.
    pub(crate) notify: Option<UnixDatagram>,
    /// How tight the governor holds it.
    pub(crate) held: Held,
    /// What it used when somebody last listed it.
    pub(crate) used: Lately,
}

impl Seat {
    pub(crate) fn new(id: ModuleId) -> Self {
        Self {
            id,
            life: None,
            sides: Vec::new(),
            held_since: None,
            pause_us: 0,
            guest: None,
            ready_made: None,
            tally: Tally::default(),
            stderr_tail: Tail::default(),
            containment: String::new(),
            confinement: Vec::new(),
            cgroup: None,
            groups_killed: 0,
        }
    }

    /// The life of this generation, if it runs.
    pub(crate) fn life_of(&mut self, generation: Generation) -> Option<&mut Life> {
        match &mut self.life {
            Some(life) if life.generation == generation => Some(life),
            _ => self.sides.iter_mut().find(|life| life.generation == generation),
        }
    }

    /// How the life of this generation is held, whether it is a process or not.
    pub(crate) fn held_of(&mut self, generation: Generation) -> Option<&mut Held> {
        if self.guest.as_ref().is_some_and(|guest| guest.generation == generation) {
            return self.guest.as_mut().map(|guest| &mut guest.held);
        }
        self.life_of(generation).map(|life| &mut life.held)
    }

    /// Takes that life out.
    pub(crate) fn take_life(&mut self, generation: Generation) -> Option<Life> {
        let seated = self.life.take_if(|life| life.generation == generation);
        seated.or_else(|| {
            let at = self.sides.iter().position(|life| life.generation == generation)?;
            Some(self.sides.swap_remove(at))
        })
    }

    /// A new life: it takes the seat, or stands beside the one that has it.
    pub(crate) fn put_life(&mut self, life: Life) {
        match &mut self.life {
            Some(_) => self.sides.push(life),
            empty => *empty = Some(life),
        }
    }

    /// This life answers from now on, and is what operators see.
    pub(crate) fn promote(&mut self, generation: Generation) {
        let held_us = self.held_since.take().map(|since| since.elapsed().as_micros());
        self.pause_us = held_us.map_or(0, |held_us| u64::try_from(held_us).unwrap_or(u64::MAX));
        let Some(at) = self.sides.iter().position(|life| life.generation == generation) else { return };
        let life = self.sides.swap_remove(at);
        self.cgroup = life.cgroup.clone();
        // It was made for another life's group.
        self.ready_made = None;
        if let Some(before) = self.life.replace(life) {
            self.sides.push(before);
        }
    }

    /// The same for a WebAssembly module.
    pub(crate) fn guest_of(&mut self, generation: Generation) -> Option<&mut Guest> {
        self.guest.as_mut().filter(|guest| guest.generation == generation)
    }
}

impl Life {
    /// How its frames go, for operators.
    pub(crate) fn transport(&self) -> &'static str {
        match self.door {
            Door::Lines if self.lane.is_used() => "shm",
            Door::Lines => "pipes",
            Door::Plain => "",
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// The last bytes of a stream, in whole lines as far as they fit.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    bytes: VecDeque<u8>,
}

impl Tail {
    /// Takes one line, without its end.
    pub(crate) fn push(&mut self, line: &[u8]) {
        let kept = &line[line.len().saturating_sub(STDERR_TAIL_BYTES - 1)..];
        self.bytes.extend(kept);
        self.bytes.push_back(b'\n');
        let excess = self.bytes.len().saturating_sub(STDERR_TAIL_BYTES);
        self.bytes.drain(..excess);
    }

    /// All of them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.iter().copied().collect()
    }

    /// Goes on with those of an earlier program.
    pub(crate) fn resume(&mut self, bytes: &[u8]) {
        self.bytes = bytes[bytes.len().saturating_sub(STDERR_TAIL_BYTES)..].iter().copied().collect();
    }

    /// The lines, oldest first; the first may have lost its beginning.
    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes = self.bytes();
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests;
