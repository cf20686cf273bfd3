//! The reading end of one direction.
//!
//! Every frame is copied out of the shared memory before anybody looks at it: the peer could change it between a check and
//! its use. The copy stays in the nearest cache, since it always lies at the same place.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::PeerFault;
use crate::layout::{MORE, RECORD_ALIGN, record_bytes};
use crate::limits::{BUFFER_BYTES_KEPT, FRAME_BYTES_MAX};
use crate::ring::{Ring, Rouse};
use crate::signal::{ON_PIPE, announce, get_up, lie_down};
use crate::sleep::{Doze, Woken, sleep_on};
use crate::spin::Spin;

/// What one turn of reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// How many frames there were; as many as were asked for means that there may be more.
    pub frames: usize,
    /// How the writer, who may wait for room, is woken.
    pub rouse: Rouse,
}

/// Reads frames.
#[derive(Debug)]
pub struct Receiver {
    ring: Ring,
    /// How far we have read. Our own: what stands in the shared memory is never read back.
    head: u32,
    /// How far the writer has been told.
    shown: u32,
    /// How far the writer has been woken for.
    announced: u32,
    /// How far the writer had come when we looked last.
    tail: u32,
    /// The record that is looked at.
    record: Vec<u8>,
    /// A long frame as far as it has come.
    begun: Vec<u8>,
    is_dozing: bool,
    spin: Spin,
    broken: Option<PeerFault>,
}

impl Receiver {
    pub(crate) fn new(ring: Ring) -> Self {
        Self {
            ring,
            head: 0,
            shown: 0,
            announced: 0,
            tail: 0,
            record: Vec::new(),
            begun: Vec::new(),
            is_dozing: false,
            spin: Spin::new(),
            broken: None,
        }
    }

    /// Hands out the frames that are there, at most `frames_max` of them, each as a copy that only we can change.
    ///
    /// # Errors
    /// The writer does not keep to the rules; frames before the fault were handed out.
    pub fn receive(&mut self, frames_max: usize, mut each: impl FnMut(&[u8])) -> Result<Received, PeerFault> {
        if let Some(fault) = self.broken {
            return Err(fault);
        }
        if self.is_dozing {
            get_up(self.ring.reader_sleeps());
            self.is_dozing = false;
        }
        let mut frames = 0;
        let done = loop {
            if frames == frames_max {
                break Ok(());
            }
            match self.next_record() {
                Ok(None) => break Ok(()),
                Err(fault) => break Err(fault),
                Ok(Some((bytes, flags))) => match self.finish(bytes, flags, &mut each) {
                    Ok(ended) => frames += usize::from(ended),
                    Err(fault) => break Err(fault),
                },
            }
        };
        let rouse = self.make_room();
        match done {
            Ok(()) => Ok(Received { frames, rouse }),
            Err(fault) => {
                self.broken = Some(fault);
                Err(fault)
            }
        }
    }

    /// Whether there is something to read.
    #[inline]
    pub fn is_ready(&self) -> bool {
        self.head != self.tail || self.ring.tail().load(Ordering::Acquire) != self.head
    }

    /// Looks for frames for as long as that has paid lately, at most [`SPIN_MAX`](crate::limits::SPIN_MAX).
    pub fn spin(&mut self) -> bool {
        let (tail, head) = (self.ring.tail(), self.head);
        self.spin.look(|| tail.load(Ordering::Acquire) != head)
    }

    /// Says that we wait on our pipe: the writer writes a blank line there when there is a frame.
    pub fn doze(&mut self) -> Doze {
        self.is_dozing = lie_down(self.ring.tail(), self.ring.reader_sleeps(), self.head, ON_PIPE);
        if self.is_dozing { Doze::Asleep } else { Doze::Ready }
    }

    /// After a doze that took so long: short ones make the next [`spin`](Self::spin) worth a try.
    pub fn dozed(&mut self, took: Duration) {
        self.spin.slept(took);
    }

    /// Waits on this thread until there is something to read, looking first and sleeping then.
    ///
    /// A peer that dies wakes nobody: wait on the pipe instead, or look at it after every wait in vain.
    pub fn wait(&mut self, wait: Duration) -> Woken {
        let (tail, sleeps, head) = (self.ring.tail(), self.ring.reader_sleeps(), self.head);
        if self.spin.look(|| tail.load(Ordering::Acquire) != head) {
            return Woken::ForSomething;
        }
        let slept = sleep_on(tail, sleeps, head, wait);
        self.spin.slept(slept);
        if self.is_ready() { Woken::ForSomething } else { Woken::InVain }
    }

    /// Copies the next record out and moves past it; gives the length of its piece and its flags.
    #[inline]
    fn next_record(&mut self) -> Result<Option<(usize, u32)>, PeerFault> {
        if self.head == self.tail {
            self.tail = self.ring.tail().load(Ordering::Acquire);
            if self.head == self.tail {
                return Ok(None);
            }
        }
        let written = self.ring.between(self.head, self.tail)?;
        // Both halves are now ours: the peer can't change them between these checks and their use.
        let (piece_bytes, flags) = self.ring.header(self.head);
        let piece = piece_bytes as usize;
        if piece == 0 || piece > written - RECORD_ALIGN || record_bytes(piece) > written {
            let written = u32::try_from(written).unwrap_or(u32::MAX);
            return Err(PeerFault::Record { bytes: piece_bytes, written });
        }
        if flags & !MORE != 0 {
            return Err(PeerFault::Flags { flags });
        }
        let words = piece.next_multiple_of(RECORD_ALIGN);
        if self.record.len() < words {
            self.record.resize(words, 0);
        }
        self.ring.take(self.head, &mut self.record[..words]);
        let record = u32::try_from(record_bytes(piece)).expect("a record is no longer than its ring");
        self.head = self.head.wrapping_add(record);
        // A writer that is awake can go on while we still read.
        if self.head.wrapping_sub(self.shown) >= self.ring.ring_bytes() / 4 {
            self.show();
        }
        Ok(Some((piece, flags)))
    }

    /// Hands the frame out if this piece ends it; whether it did.
    #[inline]
    fn finish(&mut self, piece: usize, flags: u32, each: &mut impl FnMut(&[u8])) -> Result<bool, PeerFault> {
        if flags == 0 && self.begun.is_empty() {
            each(&self.record[..piece]);
            return Ok(true);
        }
        self.finish_long(piece, flags, each)
    }

    #[cold]
    fn finish_long(
        &mut self,
        piece: usize,
        flags: u32,
        each: &mut impl FnMut(&[u8]),
    ) -> Result<bool, PeerFault> {
        if self.begun.len() + piece > FRAME_BYTES_MAX {
            return Err(PeerFault::FrameTooLong);
        }
        self.begun.extend_from_slice(&self.record[..piece]);
        if flags & MORE != 0 {
            return Ok(false);
        }
        each(&self.begun);
        self.begun.clear();
        self.begun.shrink_to(BUFFER_BYTES_KEPT);
        self.record.truncate(BUFFER_BYTES_KEPT);
        self.record.shrink_to_fit();
        Ok(true)
    }

    fn show(&mut self) {
        self.ring.head().store(self.head, Ordering::Release);
        self.shown = self.head;
    }

    /// Tells the writer how far we are, and wakes it if it waits for that.
    fn make_room(&mut self) -> Rouse {
        if self.head == self.announced {
            return Rouse::Nobody;
        }
        let head = self.ring.head();
        let sleeper = announce(head, self.ring.writer_sleeps(), self.head);
        self.shown = self.head;
        self.announced = self.head;
        Ring::wake(self.ring.writer_sleeps(), sleeper)
    }
}
