//! A lane: both directions of one piece of shared memory, made by one side and attached by the other.

use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::LaneError;
use crate::layout::{LAYOUT, LAYOUT_AT, MAGIC, MAGIC_AT, RING_BYTES_AT, Way, is_ring_bytes, total_bytes};
use crate::memory::Memory;
use crate::receiver::Receiver;
use crate::ring::Ring;
use crate::sender::Sender;

/// Both ends that one side has.
#[derive(Debug)]
pub struct Lane {
    /// Frames to the peer.
    pub sender: Sender,
    /// Frames from the peer.
    pub receiver: Receiver,
}

impl Lane {
    /// Makes a lane with rings of `ring_bytes` for each direction, a power of two, and gives the descriptor by which the
    /// peer attaches. One lane is for one life of one peer: a second reader would steal frames from the first.
    ///
    /// # Errors
    /// [`LaneError::RingBytes`], `Create` and `Map`: there is no lane, so both sides stay on their pipes.
    pub fn create(ring_bytes: u32) -> Result<(Self, OwnedFd), LaneError> {
        if !is_ring_bytes(ring_bytes) {
            return Err(LaneError::RingBytes { bytes: ring_bytes });
        }
        let (memory, fd) = Memory::create(total_bytes(ring_bytes))?;
        let put = |at, value| memory.word(at).store(value, Ordering::Relaxed);
        put(MAGIC_AT, MAGIC[0]);
        put(MAGIC_AT + 4, MAGIC[1]);
        put(LAYOUT_AT, LAYOUT);
        put(RING_BYTES_AT, ring_bytes);
        Ok((Self::over(memory, ring_bytes, Way::Out, Way::Back), fd))
    }

    /// Attaches to the lane behind a descriptor, which may be closed afterwards.
    ///
    /// # Errors
    /// The other variants of [`LaneError`]: there is no lane of the layout and length that was named.
    pub fn attach(fd: BorrowedFd<'_>, ring_bytes: u32) -> Result<Self, LaneError> {
        if !is_ring_bytes(ring_bytes) {
            return Err(LaneError::RingBytes { bytes: ring_bytes });
        }
        Self::checked(Memory::open(fd, total_bytes(ring_bytes))?, ring_bytes)
    }

    /// Attaches to the lane behind the descriptor with this number, which this process was started with. It stays open,
    /// but not in programs that are started from here.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn attach_inherited(number: RawFd, ring_bytes: u32) -> Result<Self, LaneError> {
        if !is_ring_bytes(ring_bytes) {
            return Err(LaneError::RingBytes { bytes: ring_bytes });
        }
        Self::checked(Memory::open_inherited(number, total_bytes(ring_bytes))?, ring_bytes)
    }

    fn checked(memory: Memory, ring_bytes: u32) -> Result<Self, LaneError> {
        let word = |at| memory.word(at).load(Ordering::Relaxed);
        let magic = [word(MAGIC_AT), word(MAGIC_AT + 4)];
        if magic != MAGIC || word(LAYOUT_AT) != LAYOUT || word(RING_BYTES_AT) != ring_bytes {
            return Err(LaneError::Layout);
        }
        Ok(Self::over(memory, ring_bytes, Way::Back, Way::Out))
    }

    fn over(memory: Memory, ring_bytes: u32, to: Way, from: Way) -> Self {
        let memory = Arc::new(memory);
        let ring = |way| Ring::new(memory.clone(), way, ring_bytes);
        Self { sender: Sender::new(ring(to)), receiver: Receiver::new(ring(from)) }
    }
}
