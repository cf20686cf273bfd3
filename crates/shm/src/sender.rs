//! The writing end of one direction.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::{PeerFault, SendFault};
use crate::layout::{MORE, piece_bytes_max, record_bytes};
use crate::limits::FRAME_BYTES_MAX;
use crate::ring::{Ring, Rouse};
use crate::signal::{ON_PIPE, announce, get_up, lie_down};
use crate::sleep::{Doze, Woken, sleep_on};
use crate::spin::Spin;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It will arrive, whole, after all that were taken before it.
    Taken,
    /// There is no room for it: nothing of it was taken.
    Full,
}

/// Writes frames.
///
/// [`push`](Self::push) as often as there are frames, then [`publish`](Self::publish) once: what was pushed may be read
/// before, and is sure to be read after.
#[derive(Debug)]
pub struct Sender {
    ring: Ring,
    /// How far we have written. Our own: what stands in the shared memory is never read back.
    tail: u32,
    /// How far the reader has been told.
    shown: u32,
    /// How far the reader has been woken for.
    announced: u32,
    /// How far the reader had come when we looked last.
    head: u32,
    /// A long frame of which a part is in the ring already.
    rest: Vec<u8>,
    rest_at: usize,
    is_dozing: bool,
    spin: Spin,
    broken: Option<PeerFault>,
}

impl Sender {
    pub(crate) fn new(ring: Ring) -> Self {
        Self {
            ring,
            tail: 0,
            shown: 0,
            announced: 0,
            head: 0,
            rest: Vec::new(),
            rest_at: 0,
            is_dozing: false,
            spin: Spin::new(),
            broken: None,
        }
    }

    /// Sends one frame; the same as a push and a publish.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn send(&mut self, frame: &[u8]) -> Result<(Pushed, Rouse), SendFault> {
        let pushed = self.push(frame)?;
        Ok((pushed, self.publish()?))
    }

    /// Sends frames until one finds no room, and gives how many were taken.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn send_batch<'f>(
        &mut self,
        frames: impl IntoIterator<Item = &'f [u8]>,
    ) -> Result<(usize, Rouse), SendFault> {
        let mut taken = 0;
        for frame in frames {
            if self.push(frame)? == Pushed::Full {
                break;
            }
            taken += 1;
        }
        Ok((taken, self.publish()?))
    }

    /// Writes one frame of 1 byte to [`FRAME_BYTES_MAX`] into the ring. Costs a copy.
    ///
    /// # Errors
    /// The frame has a length that no frame may have, or the reader's position is impossible.
    #[inline]
    pub fn push(&mut self, frame: &[u8]) -> Result<Pushed, SendFault> {
        if frame.is_empty() || frame.len() > FRAME_BYTES_MAX {
            return Err(SendFault::Length { bytes: frame.len() });
        }
        if self.has_rest() && !self.push_rest()? {
            return Ok(Pushed::Full);
        }
        let piece_bytes_max = piece_bytes_max(self.ring.ring_bytes());
        if !self.has_room(record_bytes(frame.len().min(piece_bytes_max)))? {
            self.show();
            return Ok(Pushed::Full);
        }
        if frame.len() > piece_bytes_max {
            self.rest = frame.to_vec();
            self.push_rest()?;
        } else {
            self.put(0, frame);
        }
        Ok(Pushed::Taken)
    }

    /// Makes sure that the reader gets all that was pushed: wakes it, or says how the caller wakes it.
    ///
    /// # Errors
    /// The reader's position is impossible.
    #[inline]
    pub fn publish(&mut self) -> Result<Rouse, PeerFault> {
        if self.has_rest() {
            self.push_rest()?;
        }
        if self.tail == self.announced {
            return Ok(Rouse::Nobody);
        }
        let tail = self.ring.tail();
        let sleeper = announce(tail, self.ring.reader_sleeps(), self.tail);
        self.shown = self.tail;
        self.announced = self.tail;
        Ok(Ring::wake(self.ring.reader_sleeps(), sleeper))
    }

    /// Whether a part of a long frame waits for room: publish again when there is some.
    pub fn has_rest(&self) -> bool {
        self.rest_at < self.rest.len()
    }

    /// How many bytes the reader has not taken yet.
    ///
    /// # Errors
    /// The reader's position is impossible.
    pub fn unread_bytes(&mut self) -> Result<usize, PeerFault> {
        self.look_at_head()?;
        Ok(self.tail.wrapping_sub(self.head) as usize)
    }

    /// Says that we wait for room on our pipe: the reader writes a blank line there when it has taken something. Publish
    /// first, or it never does.
    ///
    /// # Errors
    /// The reader's position is impossible.
    pub fn doze(&mut self) -> Result<Doze, PeerFault> {
        let seen = self.head;
        self.look_at_head()?;
        if self.head != seen {
            return Ok(Doze::Ready);
        }
        self.is_dozing = lie_down(self.ring.head(), self.ring.writer_sleeps(), self.head, ON_PIPE);
        Ok(if self.is_dozing { Doze::Asleep } else { Doze::Ready })
    }

    /// Waits on this thread until the reader has taken something, looking first and sleeping then. Publish first.
    ///
    /// # Errors
    /// The reader's position is impossible.
    pub fn wait_for_room(&mut self, wait: Duration) -> Result<Woken, PeerFault> {
        let (head, sleeps, seen) = (self.ring.head(), self.ring.writer_sleeps(), self.head);
        if !self.spin.look(|| head.load(Ordering::Acquire) != seen) {
            let slept = sleep_on(head, sleeps, seen, wait);
            self.spin.slept(slept);
        }
        self.look_at_head()?;
        Ok(if self.head == seen { Woken::InVain } else { Woken::ForSomething })
    }

    /// As much of the long frame as there is room for; whether that was all.
    #[cold]
    fn push_rest(&mut self) -> Result<bool, PeerFault> {
        let piece_bytes_max = piece_bytes_max(self.ring.ring_bytes());
        let rest = std::mem::take(&mut self.rest);
        while self.rest_at < rest.len() {
            let end = rest.len().min(self.rest_at + piece_bytes_max);
            let piece = &rest[self.rest_at..end];
            let room = self.has_room(record_bytes(piece.len()));
            if !matches!(room, Ok(true)) {
                self.show();
                self.rest = rest;
                return room;
            }
            self.put(if end < rest.len() { MORE } else { 0 }, piece);
            self.rest_at = end;
        }
        self.rest_at = 0;
        Ok(true)
    }

    #[inline]
    fn put(&mut self, flags: u32, piece: &[u8]) {
        self.ring.put(self.tail, flags, piece);
        let bytes = u32::try_from(record_bytes(piece.len())).expect("a piece is shorter than its ring");
        self.tail = self.tail.wrapping_add(bytes);
        // A reader that is awake can begin while we still write.
        if self.tail.wrapping_sub(self.shown) >= self.ring.ring_bytes() / 4 {
            self.show();
        }
    }

    fn show(&mut self) {
        self.ring.tail().store(self.tail, Ordering::Release);
        self.shown = self.tail;
    }

    #[inline]
    fn has_room(&mut self, bytes: usize) -> Result<bool, PeerFault> {
        let room = |sender: &Self| {
            sender.ring.ring_bytes() as usize - sender.tail.wrapping_sub(sender.head) as usize
        };
        if room(self) >= bytes {
            return Ok(true);
        }
        self.look_at_head()?;
        Ok(room(self) >= bytes)
    }

    fn look_at_head(&mut self) -> Result<(), PeerFault> {
        if let Some(fault) = self.broken {
            return Err(fault);
        }
        if self.is_dozing {
            get_up(self.ring.writer_sleeps());
            self.is_dozing = false;
        }
        let head = self.ring.head().load(Ordering::Acquire);
        if let Err(fault) = self.ring.between(head, self.tail) {
            self.broken = Some(fault);
            return Err(fault);
        }
        self.head = head;
        Ok(())
    }
}
