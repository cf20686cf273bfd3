//! A module's outgoing queue: frames already encoded, in one buffer, bounded in number and in bytes; a long payload is
//! not copied for each module that gets it.
//!
//! Frames are written by one system call per turn, or by none where they go by a lane. What a pipe does not take stays,
//! and a task waits for room in the pipe; a lane's reader wakes us by a line break. A frame that was begun is always
//! finished, so that the module never sees half a line.
//!
//! Three kinds of mail: [`Mail::Bounded`] finds room or is refused; [`Mail::Answer`] is bounded in bytes alone;
//! [`Mail::Certain`] goes on top of both, up to twice the bytes, since a module that leaves even that unread is told
//! nothing more until it reads.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use abi::limits::{QUEUE_BYTES_MAX_DEFAULT, QUEUE_FRAMES_MAX_DEFAULT};
use rustix::io::Errno;
use shm::limits::FRAME_BYTES_MAX;
use shm::{Doze, PeerFault, Pushed, Rouse, SendFault, Sender};

mod queue;

pub(crate) use queue::Gap;
use queue::Queue;

#[cfg(test)]
mod tests;

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

/// Whether a long payload may be left out of its line, to be put in when that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Long {
    Copied,
    Apart,
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
    /// The lane is full: the module writes a line break to its stdout when it has read something.
    Dozing,
    /// The module has closed its end; what was queued is gone.
    Closed,
    /// The module does not keep to the lane's rules; nothing more can be said to it.
    Broken(PeerFault),
}

/// The frames that go by the lane, once everything before them has gone by the pipe.
#[derive(Debug)]
struct ByLane {
    sender: Sender,
    queue: Queue,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// The writing end of the module's stdin; none for plain commands and after it was closed.
    pipe: Option<Rc<OwnedFd>>,
    queue: Queue,
    lane: Option<Box<ByLane>>,
    /// How many frames of bounded mail may wait.
    frames_max: usize,
    /// Whether a task waits for room in the pipe.
    pub(crate) is_waiting: bool,
    /// Whether it is on the list of those to be written at the end of this turn.
    pub(crate) is_listed: bool,
}

impl Outbox {
    pub(crate) fn new(pipe: Option<Rc<OwnedFd>>) -> Self {
        let frames_max = QUEUE_FRAMES_MAX_DEFAULT;
        Self { pipe, queue: Queue::default(), lane: None, frames_max, is_waiting: false, is_listed: false }
    }

    /// The pipe, for a task that waits for room in it.
    pub(crate) fn pipe(&self) -> Option<Rc<OwnedFd>> {
        self.pipe.clone()
    }

    /// What is queued from now on goes by this lane.
    pub(crate) fn switch(&mut self, sender: Sender) {
        self.lane = Some(Box::new(ByLane { sender, queue: Queue::default() }));
    }

    /// Queues what `encode` writes: one whole line.
    pub(crate) fn post(&mut self, mail: Mail, encode: impl FnOnce(&mut Vec<u8>)) -> Posted {
        self.post_long(mail, |out, _| {
            encode(out);
            None
        })
    }

    /// Queues what `encode` writes: one whole line, out of which it may leave a long payload if that is allowed.
    pub(crate) fn post_long(
        &mut self,
        mail: Mail,
        encode: impl FnOnce(&mut Vec<u8>, Long) -> Option<Gap>,
    ) -> Posted {
        if self.pipe.is_none() {
            return Posted::Closed;
        }
        if mail == Mail::Bounded && self.frames() >= self.frames_max && !self.makes_room() {
            return Posted::Full;
        }
        let bytes_max = if mail == Mail::Certain { CERTAIN_BYTES_MAX } else { QUEUE_BYTES_MAX_DEFAULT };
        let by_pipe = self.queue.bytes();
        let is_queued = match &mut self.lane {
            // A line without its break is what a lane takes.
            Some(lane) => lane.queue.push(
                |out| encode(out, Long::Copied),
                |line, bytes| line <= FRAME_BYTES_MAX && by_pipe + bytes <= bytes_max,
            ),
            None => self.queue.push(|out| encode(out, Long::Apart), |_, bytes| bytes <= bytes_max),
        };
        if is_queued { Posted::Queued } else { Posted::Full }
    }

    /// Queues a line that holds a secret of so many bytes, as [`Mail::Answer`]: nothing of it stays in the queue once it
    /// is written.
    pub(crate) fn post_wiped(&mut self, bytes: usize, encode: impl FnOnce(&mut Vec<u8>)) -> Posted {
        let queue = self.lane.as_mut().map_or(&mut self.queue, |lane| &mut lane.queue);
        queue.wipe_after(bytes + LINE_REST_BYTES);
        self.post(Mail::Answer, encode)
    }

    /// How many frames wait, the one that was begun included.
    pub(crate) fn frames(&self) -> usize {
        self.queue.frames() + self.lane.as_ref().map_or(0, |lane| lane.queue.frames())
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.queue.bytes() + self.lane.as_ref().map_or(0, |lane| lane.queue.bytes())
    }

    /// All that waits for the pipe, as bytes, the rest of a line that was begun first.
    pub(crate) fn waiting(&self) -> Vec<u8> {
        self.queue.waiting()
    }

    /// Takes what waited elsewhere for this pipe, before anything else is queued.
    pub(crate) fn resume(&mut self, waiting: &[u8]) {
        // A secret may be in it.
        self.queue.wipe_after(waiting.len());
        let _whole = self.queue.push(
            |out| {
                out.extend_from_slice(waiting);
                None
            },
            |_, _| true,
        );
    }

    /// How many frames of bounded mail may wait from now on; never more than by default.
    pub(crate) fn bound_frames(&mut self, frames_max: usize) {
        self.frames_max = frames_max.min(QUEUE_FRAMES_MAX_DEFAULT);
    }

    /// Whether there is something to write, or to show to the lane's reader.
    pub(crate) fn has_mail(&self) -> bool {
        let by_lane = |lane: &ByLane| !lane.queue.is_empty() || lane.sender.has_rest();
        !self.queue.is_empty() || self.lane.as_deref().is_some_and(by_lane)
    }

    /// Within one turn more may be queued than the bound, though the pipe is empty: then it is written at once. A lane
    /// that breaks is found again by the write at the end of the turn.
    fn makes_room(&mut self) -> bool {
        !self.is_waiting && self.write() != Written::Closed && self.frames() < self.frames_max
    }

    /// Writes as much as the pipe, and then the lane, takes.
    pub(crate) fn write(&mut self) -> Written {
        let Some(pipe) = &self.pipe else { return Written::Closed };
        match self.queue.write(pipe) {
            Ok(()) => {}
            Err(Errno::AGAIN) => return Written::Blocked,
            Err(errno) => return self.closed_by(errno),
        }
        let Some(lane) = &mut self.lane else { return Written::All };
        let (written, rouse) = lane.write();
        match self.rouse(rouse) {
            Written::All => written,
            closed => closed,
        }
    }

    /// Wakes a module that sleeps on its stdin; `All` unless it has closed that.
    pub(crate) fn rouse(&mut self, rouse: Rouse) -> Written {
        let Some(pipe) = self.pipe.as_ref().filter(|_| rouse == Rouse::ByPipe) else { return Written::All };
        match rustix::io::retry_on_intr(|| rustix::io::write(pipe, b"\n")) {
            // A pipe that is full wakes it as well.
            Ok(_) | Err(Errno::AGAIN) => Written::All,
            Err(errno) => self.closed_by(errno),
        }
    }

    fn closed_by(&mut self, errno: Errno) -> Written {
        let error = io::Error::from(errno);
        let bytes = self.queue.bytes();
        tracing::debug!(%error, bytes, "a module has closed its stdin");
        self.close();
        Written::Closed
    }

    /// Closes the pipe; what waits is gone.
    pub(crate) fn close(&mut self) {
        self.pipe = None;
        self.queue = Queue::default();
        self.lane = None;
    }
}

impl ByLane {
    /// Puts into the lane what finds room there, and shows it to the reader once.
    fn write(&mut self) -> (Written, Rouse) {
        let mut rouse = Rouse::Nobody;
        let written = loop {
            let pushed = match self.push_all() {
                Ok(pushed) => pushed,
                Err(fault) => break Written::Broken(fault),
            };
            match self.sender.publish() {
                Ok(woken) => rouse = rouse.or(woken),
                Err(fault) => break Written::Broken(fault),
            }
            if pushed == Pushed::Taken && !self.sender.has_rest() {
                break Written::All;
            }
            match self.sender.doze() {
                Ok(Doze::Asleep) => break Written::Dozing,
                Ok(Doze::Ready) => {}
                Err(fault) => break Written::Broken(fault),
            }
        };
        self.queue.give_back();
        (written, rouse)
    }

    fn push_all(&mut self) -> Result<Pushed, PeerFault> {
        while let Some(frame) = self.queue.front() {
            match self.sender.push(frame) {
                Ok(Pushed::Full) => return Ok(Pushed::Full),
                Ok(Pushed::Taken) => {}
                Err(SendFault::Peer(fault)) => return Err(fault),
                // Its length was looked at when it was queued.
                Err(SendFault::Length { bytes }) => {
                    tracing::warn!(bytes, "a frame was too long for its lane")
                }
            }
            self.queue.pop();
        }
        Ok(Pushed::Taken)
    }
}
