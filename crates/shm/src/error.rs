//! What can go wrong with a lane, and whose fault it is.

use std::io;

use crate::limits::FRAME_BYTES_MAX;

/// Why there is no lane. Both sides then stay on their pipes.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// Rings have a length that is a power of two, from 4 KiB to 16 MiB.
    #[error("a ring of {bytes} bytes: no power of two from 4 KiB to 16 MiB")]
    RingBytes {
        /// What was asked for.
        bytes: u32,
    },
    /// The system gives no shared memory.
    #[error("cannot make shared memory")]
    Create(#[source] io::Error),
    /// The memory can't be mapped.
    #[error("cannot map shared memory")]
    Map(#[source] io::Error),
    /// The number that was named is no open descriptor, or none of shared memory.
    #[error("descriptor {fd} is no shared memory")]
    Descriptor {
        /// The number that was named.
        fd: i32,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The memory could be made shorter while it is in use.
    #[error("the shared memory is not sealed")]
    NotSealed,
    /// The memory is not as long as it was said to be.
    #[error("the shared memory has {found} bytes instead of {expected}")]
    Length {
        /// How long it is.
        found: u64,
        /// How long it should be.
        expected: u64,
    },
    /// The memory does not begin as a lane does, or has another layout or length.
    #[error("the shared memory holds no lane of a layout that is known here")]
    Layout,
}

/// The peer does not keep to the lane's rules. Nothing more can be read or sent: a broken lane stays broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// The other side's position is one that it can't have come to.
    #[error("lane: position {position} is not within the ring of {ring_bytes} bytes")]
    Position {
        /// How far in front of our own it stands, in bytes.
        position: u32,
        /// How long the ring is.
        ring_bytes: u32,
    },
    /// A record that has no length, or one beyond what was written.
    #[error("lane: a record of {bytes} bytes where {written} were written")]
    Record {
        /// The length that it gives.
        bytes: u32,
        /// How many bytes there are.
        written: u32,
    },
    /// A record with a flag that is not known.
    #[error("lane: a record with flags {flags:#x}")]
    Flags {
        /// The flags.
        flags: u32,
    },
    /// A frame that has no end.
    #[error("lane: a frame exceeds {} bytes", FRAME_BYTES_MAX)]
    FrameTooLong,
}

/// Why a frame was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendFault {
    /// Longer than any frame may be, or empty. The lane is as it was.
    #[error("a frame of {bytes} bytes; a lane takes 1 to {}", FRAME_BYTES_MAX)]
    Length {
        /// How long it is.
        bytes: usize,
    },
    /// See [`PeerFault`].
    #[error(transparent)]
    Peer(#[from] PeerFault),
}
