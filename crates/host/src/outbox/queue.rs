//! Frames that wait, as the lines that they will be: in one buffer, with the place where each ends.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use rustix::io::Errno;

/// 64 KiB: a buffer that grew beyond this is given back when it is empty.
const BUFFER_BYTES_KEPT: usize = 64 << 10;

/// The lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    buffer: Vec<u8>,
    /// How many bytes of the buffer are gone.
    taken: usize,
    /// Where in the buffer each queued line ends, counted from the first byte that was ever queued.
    ends: VecDeque<u64>,
    /// How many bytes went before the buffer's first one.
    before: u64,
}

impl Queue {
    /// How many lines wait, the one that was begun included.
    pub(super) fn frames(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.buffer.len()
    }

    /// Queues what `encode` writes, one whole line, if `fits` says so of its length and of what waits then.
    pub(super) fn push(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>),
        fits: impl FnOnce(usize, usize) -> bool,
    ) -> bool {
        let start = self.buffer.len();
        encode(&mut self.buffer);
        if !fits(self.buffer.len() - start, self.bytes()) {
            self.buffer.truncate(start);
            return false;
        }
        self.ends.push_back(self.before + self.buffer.len() as u64);
        true
    }

    /// The next line, whole, without its line break. For a queue of which nothing else is taken than whole lines.
    pub(super) fn front(&self) -> Option<&[u8]> {
        let end = usize::try_from(self.ends.front()? - self.before).ok()?;
        self.buffer.get(self.taken..end - 1)
    }

    /// The next line is gone.
    pub(super) fn pop(&mut self) {
        if let Some(end) = self.ends.pop_front() {
            self.taken = usize::try_from(end - self.before).unwrap_or(self.buffer.len());
        }
    }

    /// Writes as much as the pipe takes; it is empty afterwards, or the pipe says why not.
    pub(super) fn write(&mut self, pipe: impl AsFd) -> Result<(), Errno> {
        while !self.is_empty() {
            match rustix::io::write(&pipe, &self.buffer[self.taken..]) {
                Ok(bytes) => self.taken += bytes,
                Err(Errno::INTR) => {}
                Err(errno) => {
                    self.forget_written();
                    return Err(errno);
                }
            }
        }
        self.ends.clear();
        self.give_back();
        Ok(())
    }

    fn forget_written(&mut self) {
        let written = self.before + self.taken as u64;
        while self.ends.front().is_some_and(|end| *end <= written) {
            self.ends.pop_front();
        }
        self.give_back();
    }

    /// Gives memory back of which nothing is needed any more.
    pub(super) fn give_back(&mut self) {
        if self.is_empty() {
            self.before += self.buffer.len() as u64;
            self.buffer.clear();
            self.buffer.shrink_to(BUFFER_BYTES_KEPT);
            self.taken = 0;
        } else if self.taken > BUFFER_BYTES_KEPT && self.taken * 2 >= self.buffer.len() {
            // Moving the rest to the front costs its length, so it is done when at least as much is gone.
            self.buffer.drain(..self.taken);
            self.before += self.taken as u64;
            self.taken = 0;
        }
    }
}
