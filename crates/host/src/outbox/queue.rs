//! Frames that wait, as the lines that they will be: in one buffer, with the place where each ends, and long payloads
//! beside it.
//!
//! A long payload is not copied into the buffer: it stays where it is, shared with all who get it, and is put in at its
//! place when the line is written. Every such place lies inside a line, which goes on behind it.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::AsFd;

use abi::Payload;
use rustix::io::Errno;

/// 64 KiB: a buffer that grew beyond this is given back when it is empty.
const BUFFER_BYTES_KEPT: usize = 64 << 10;

/// 32 pieces in one system call: sixteen long payloads and what stands around them, far more than a pipe takes at once.
const PIECES_MAX: usize = 32;

/// A payload that was left out of a line.
#[derive(Debug)]
pub(crate) struct Gap {
    /// Where in the buffer it belongs.
    pub(crate) at: usize,
    pub(crate) payload: Payload,
}

/// The lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    buffer: Vec<u8>,
    /// How many bytes of the buffer are gone.
    taken: usize,
    /// Where in the buffer each queued line ends, counted from the first byte that was ever in it.
    ends: VecDeque<u64>,
    /// Payloads that belong between bytes of the buffer, and where, counted likewise.
    shared: VecDeque<(u64, Payload)>,
    /// How many bytes of the first of them are gone.
    shared_taken: usize,
    /// How many bytes of all of them are not.
    shared_bytes: usize,
    /// How many bytes went before the buffer's first one.
    before: u64,
    /// Whether the buffer is to be overwritten once all of it is gone.
    is_wiped: bool,
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.is_wiped {
            vault::wipe(&mut self.buffer);
        }
    }
}

impl Queue {
    /// The next line, of so many bytes at the most, holds a secret: nothing of it stays once it is written.
    pub(super) fn wipe_after(&mut self, line_bytes: usize) {
        // A buffer that grew while the line is written would leave a copy where it was.
        let mut grown = Vec::with_capacity(self.buffer.len() + line_bytes);
        grown.extend_from_slice(&self.buffer);
        let mut old = std::mem::replace(&mut self.buffer, grown);
        if self.is_wiped {
            vault::wipe(&mut old);
        }
        self.is_wiped = true;
    }

    #[cfg(test)]
    pub(super) fn is_wiped(&self) -> bool {
        self.is_wiped
    }

    /// All bytes that wait, in their order.
    pub(super) fn waiting(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.bytes());
        let (mut at, mut gone) = (self.taken, self.shared_taken);
        for (place, payload) in &self.shared {
            let place = self.place(*place);
            all.extend_from_slice(&self.buffer[at..place]);
            all.extend_from_slice(&payload.as_bytes()[gone..]);
            (at, gone) = (place, 0);
        }
        all.extend_from_slice(&self.buffer[at..]);
        all
    }

    /// How many lines wait, the one that was begun included.
    pub(super) fn frames(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.buffer.len() - self.taken + self.shared_bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.buffer.len()
    }

    /// Queues what `encode` writes, one whole line, if `fits` says so of its length and of what waits then.
    pub(super) fn push(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Option<Gap>,
        fits: impl FnOnce(usize, usize) -> bool,
    ) -> bool {
        let start = self.buffer.len();
        let gap = encode(&mut self.buffer);
        let apart = gap.as_ref().map_or(0, |gap| gap.payload.len());
        if !fits(self.buffer.len() - start + apart, self.bytes() + apart) {
            self.buffer.truncate(start);
            return false;
        }
        if let Some(Gap { at, payload }) = gap {
            assert!((start..self.buffer.len()).contains(&at), "a gap lies inside its line");
            self.shared_bytes += apart;
            self.shared.push_back((self.before + at as u64, payload));
        }
        self.ends.push_back(self.before + self.buffer.len() as u64);
        true
    }

    /// The next line, whole, without its line break. For a queue without gaps, of which only whole lines are taken.
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
            let written = match self.shared.is_empty() {
                true => rustix::io::write(&pipe, &self.buffer[self.taken..]),
                false => self.write_pieces(&pipe),
            };
            match written {
                Ok(bytes) => self.forget(bytes),
                Err(Errno::INTR) => {}
                Err(errno) => {
                    self.forget_ended();
                    return Err(errno);
                }
            }
        }
        self.ends.clear();
        self.give_back();
        Ok(())
    }

    fn write_pieces(&self, pipe: impl AsFd) -> Result<usize, Errno> {
        let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
        let (mut count, mut at, mut gone) = (0, self.taken, self.shared_taken);
        // Two for each payload; the rest comes with the next call.
        for (place, payload) in self.shared.iter().take(PIECES_MAX / 2) {
            let place = self.place(*place);
            pieces[count] = IoSlice::new(&self.buffer[at..place]);
            pieces[count + 1] = IoSlice::new(&payload.as_bytes()[gone..]);
            (count, at, gone) = (count + 2, place, 0);
        }
        if count < PIECES_MAX {
            pieces[count] = IoSlice::new(&self.buffer[at..]);
            count += 1;
        }
        rustix::io::writev(pipe, &pieces[..count])
    }

    /// Where in the buffer this position is.
    fn place(&self, position: u64) -> usize {
        usize::try_from(position - self.before).expect("a buffer's length fits")
    }

    /// So many bytes are gone, of the buffer and of payloads in turn.
    fn forget(&mut self, mut bytes: usize) {
        loop {
            let place = self.shared.front().map(|(place, _)| self.place(*place));
            let step = bytes.min(place.unwrap_or(self.buffer.len()) - self.taken);
            self.taken += step;
            bytes -= step;
            let Some((_, payload)) = self.shared.front().filter(|_| Some(self.taken) == place) else {
                return;
            };
            let step = bytes.min(payload.len() - self.shared_taken);
            self.shared_taken += step;
            self.shared_bytes -= step;
            bytes -= step;
            if self.shared_taken < payload.len() {
                return;
            }
            self.shared.pop_front();
            self.shared_taken = 0;
        }
    }

    fn forget_ended(&mut self) {
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
            if std::mem::take(&mut self.is_wiped) {
                vault::wipe(&mut self.buffer);
            }
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
