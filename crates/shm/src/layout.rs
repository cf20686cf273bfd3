//! Where everything lies in the shared memory: layout 1, as `docs/reference/shm-transport.md` tells it.
//!
//! Numbers are in the machine's own byte order: both sides run on the same machine.

use crate::limits::{RING_BYTES_MAX, RING_BYTES_MIN};

/// The layout that this crate speaks.
pub const LAYOUT: u32 = 1;

/// The first eight bytes.
pub(crate) const MAGIC: [u32; 2] = [u32::from_ne_bytes(*b"OSTO"), u32::from_ne_bytes(*b"LANE")];

pub(crate) const MAGIC_AT: usize = 0;
pub(crate) const LAYOUT_AT: usize = 8;
pub(crate) const RING_BYTES_AT: usize = 12;

/// 128 bytes: two lines of 64, since processors fetch them in pairs.
const LINE: usize = 128;

/// One page in front of the rings.
pub(crate) const HEADER_BYTES: usize = 4096;

/// Every record begins at a multiple of this, and its header is this long.
pub(crate) const RECORD_ALIGN: usize = 8;

/// The flag of a record whose frame goes on in the next one.
pub(crate) const MORE: u32 = 1;

/// Which way frames go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the side that created the lane.
    Out,
    /// To the side that created the lane.
    Back,
}

impl Way {
    fn number(self) -> usize {
        match self {
            Self::Out => 0,
            Self::Back => 1,
        }
    }

    fn line(self, line: usize) -> usize {
        LINE * (1 + 4 * self.number() + line)
    }

    /// How far the writer has come: written by the writer.
    pub(crate) fn tail_at(self) -> usize {
        self.line(0)
    }

    /// How far the reader has come: written by the reader.
    pub(crate) fn head_at(self) -> usize {
        self.line(1)
    }

    /// Whether the reader sleeps, and how to wake it.
    pub(crate) fn reader_sleeps_at(self) -> usize {
        self.line(2)
    }

    /// Whether the writer waits for room, and how to wake it.
    pub(crate) fn writer_sleeps_at(self) -> usize {
        self.line(3)
    }

    /// Where the bytes of the ring begin.
    pub(crate) fn bytes_at(self, ring_bytes: u32) -> usize {
        HEADER_BYTES + self.number() * ring_bytes as usize
    }
}

const _: () = assert!(LINE * 9 <= HEADER_BYTES);

/// How long the whole memory is.
pub(crate) fn total_bytes(ring_bytes: u32) -> usize {
    HEADER_BYTES + 2 * ring_bytes as usize
}

/// Whether a ring may have this length.
pub(crate) fn is_ring_bytes(ring_bytes: u32) -> bool {
    ring_bytes.is_power_of_two() && (RING_BYTES_MIN..=RING_BYTES_MAX).contains(&ring_bytes)
}

/// How much of the ring a piece of a frame takes, with its header and up to the next multiple of eight.
pub(crate) fn record_bytes(payload: usize) -> usize {
    RECORD_ALIGN + payload.next_multiple_of(RECORD_ALIGN)
}

/// The longest piece of a frame in one record: a quarter of the ring, so that a long frame flows while it is read.
pub(crate) fn piece_bytes_max(ring_bytes: u32) -> usize {
    ring_bytes as usize / 4 - RECORD_ALIGN
}
