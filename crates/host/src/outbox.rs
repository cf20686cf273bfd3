//! A module's outgoing queue: frames already encoded, in one buffer, bounded in number and in bytes.
//!
//! Frames are written by one system call per turn. What a pipe does not take stays, and a task waits for room in the
//! pipe. A frame that was begun is always finished, so that the module never sees half a line.
//!
//! Three kinds of mail: [`Mail::Bounded`] finds room or is refused; [`Mail::Answer`] is bounded in bytes alone;
//! [`Mail::Certain`] goes on top of both, up to twice the bytes, since a module that leaves even that unread is told
//! nothing more until it reads.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use abi::limits::{QUEUE_BYTES_MAX_DEFAULT, QUEUE_FRAMES_MAX_DEFAULT};
use rustix::io::Errno;

#[cfg(test)]
mod tests;

/// 64 KiB: a buffer that grew beyond this is given back when it is empty.
const BUFFER_BYTES_KEPT: usize = 64 << 10;

/// 256 bytes: what a line of an answer has beside its id and its result.
const LINE_REST_BYTES: usize = 256;

/// 16 MiB, everything counted: what is kept at all for a module that does not read.
const CERTAIN_BYTES_MAX: usize = 2 * QUEUE_BYTES_MAX_DEFAULT;

/// Whether a frame may be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mail {
    /// Deliveries, calls and parts of streams: a full queue refuses them.
    Bounded,
    /// Answers: as many as there were calls, so bounded in bytes alone.
    Answer,
    /// Everything else: small, and without it the module could not go on.
    Certain,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posted {
    /// It is in the queue.
    Queued,
    /// There was no room for it.
    Full,
    /// Nobody will ever read it.
    Closed,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// The queue is empty.
    All,
    /// The pipe is full.
    Blocked,
    /// The module has closed its end; what was queued is gone.
    Closed,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// The writing end of the module's stdin; none for plain commands and after it was closed.
    pipe: Option<Rc<OwnedFd>>,
    buffer: Vec<u8>,
    /// How many bytes of the buffer the pipe has taken.
    taken: usize,
    /// Where in the buffer each queued frame ends, counted from the first byte that was ever queued.
    ends: VecDeque<u64>,
    /// How many bytes went before the buffer's first one.
    before: u64,
    /// Whether what is in the buffer is to be overwritten once it is written.
    is_wiped: bool,
    /// Whether a task waits for room in the pipe.
    pub(crate) is_waiting: bool,
    /// Whether it is on the list of those to be written at the end of this turn.
    pub(crate) is_listed: bool,
}

impl Outbox {
    pub(crate) fn new(pipe: Option<Rc<OwnedFd>>) -> Self {
        Self {
            pipe,
            buffer: Vec::new(),
            taken: 0,
            ends: VecDeque::new(),
            before: 0,
            is_wiped: false,
            is_waiting: false,
            is_listed: false,
        }
    }

    /// The pipe, for a task that waits for room in it.
    pub(crate) fn pipe(&self) -> Option<Rc<OwnedFd>> {
        self.pipe.clone()
    }

    /// Queues what `encode` writes: one whole line.
    pub(crate) fn post(&mut self, mail: Mail, encode: impl FnOnce(&mut Vec<u8>)) -> Posted {
        if self.pipe.is_none() {
            return Posted::Closed;
        }
        if mail == Mail::Bounded && self.frames() >= QUEUE_FRAMES_MAX_DEFAULT && !self.makes_room() {
            return Posted::Full;
        }
        let start = self.buffer.len();
        encode(&mut self.buffer);
        let bytes_max = if mail == Mail::Certain { CERTAIN_BYTES_MAX } else { QUEUE_BYTES_MAX_DEFAULT };
        if self.buffer.len() - self.taken > bytes_max {
            self.buffer.truncate(start);
            return Posted::Full;
        }
        self.ends.push_back(self.before + self.buffer.len() as u64);
        Posted::Queued
    }

    /// Queues a line that holds a secret of so many bytes, as [`Mail::Answer`]: written at once, and nothing of it stays
    /// in the buffer once the pipe has taken it all.
    pub(crate) fn post_wiped(&mut self, bytes: usize, encode: impl FnOnce(&mut Vec<u8>)) -> Posted {
        if !self.is_waiting && self.write() == Written::Closed {
            return Posted::Closed;
        }
        // A buffer that grew while the line is written would leave a copy where it was.
        let mut grown = Vec::with_capacity(self.buffer.len() + bytes + LINE_REST_BYTES);
        grown.extend_from_slice(&self.buffer);
        let mut old = std::mem::replace(&mut self.buffer, grown);
        if self.is_wiped {
            vault::wipe(&mut old);
        }
        self.is_wiped = true;
        let posted = self.post(Mail::Answer, encode);
        if posted == Posted::Queued && !self.is_waiting {
            // What the pipe does not take now is waited for like every other line.
            self.write();
        }
        posted
    }

    /// How many frames wait, the one that was begun included.
    pub(crate) fn frames(&self) -> usize {
        self.ends.len()
    }

    /// Whether the pipe has taken everything.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.taken == self.buffer.len()
    }

    /// Within one turn more may be queued than the bound, though the pipe is empty: then it is written at once.
    fn makes_room(&mut self) -> bool {
        !self.is_waiting && self.write() != Written::Closed && self.frames() < QUEUE_FRAMES_MAX_DEFAULT
    }

    /// Writes as much as the pipe takes.
    pub(crate) fn write(&mut self) -> Written {
        let Some(pipe) = &self.pipe else { return Written::Closed };
        while self.taken < self.buffer.len() {
            match rustix::io::write(pipe, &self.buffer[self.taken..]) {
                Ok(bytes) => self.taken += bytes,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.forget_written();
                    return Written::Blocked;
                }
                Err(errno) => {
                    let error = io::Error::from(errno);
                    tracing::debug!(%error, bytes = self.buffer.len() - self.taken, "a module has closed its stdin");
                    self.close();
                    return Written::Closed;
                }
            }
        }
        self.before += self.buffer.len() as u64;
        if std::mem::take(&mut self.is_wiped) {
            vault::wipe(&mut self.buffer);
        }
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        self.taken = 0;
        self.ends.clear();
        Written::All
    }

    /// Closes the pipe; what waits is gone.
    pub(crate) fn close(&mut self) {
        self.pipe = None;
        if std::mem::take(&mut self.is_wiped) {
            vault::wipe(&mut self.buffer);
        }
        self.buffer = Vec::new();
        self.taken = 0;
        self.ends.clear();
    }

    fn forget_written(&mut self) {
        let written = self.before + self.taken as u64;
        while self.ends.front().is_some_and(|end| *end <= written) {
            self.ends.pop_front();
        }
        // Moving the rest to the front costs its length, so it is done when at least as much is gone.
        if self.taken > BUFFER_BYTES_KEPT && self.taken * 2 >= self.buffer.len() {
            self.buffer.drain(..self.taken);
            self.before += self.taken as u64;
            self.taken = 0;
        }
    }
}
