//! A peer without the crate: it writes what it likes where it likes, by the layout that the reference page tells.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use shm::Lane;

/// The ring of all tests here.
pub(crate) const RING: u32 = 4096;

/// Where the words of layout 1 lie, for frames to the creator.
pub(crate) const TAIL: u64 = 640;
pub(crate) const HEAD: u64 = 768;
pub(crate) const READER_SLEEPS: u64 = 896;
pub(crate) const BYTES: u64 = 4096 + RING as u64;

/// The same, for frames from the creator.
pub(crate) const OUT_HEAD: u64 = 256;
pub(crate) const OUT_READER_SLEEPS: u64 = 384;
pub(crate) const OUT_BYTES: u64 = 4096;

/// The other side's hand on the memory.
#[derive(Debug)]
pub(crate) struct Peer {
    file: File,
}

/// A lane, and a peer that keeps to no rule.
pub(crate) fn lane() -> (Lane, Peer) {
    let (lane, fd) = Lane::create(RING).expect("shared memory");
    (lane, Peer::of(fd))
}

impl Peer {
    pub(crate) fn of(fd: OwnedFd) -> Self {
        Self { file: File::from(fd) }
    }

    pub(crate) fn word(&self, at: u64) -> u32 {
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, at).expect("within the memory");
        u32::from_ne_bytes(bytes)
    }

    pub(crate) fn set(&self, at: u64, value: u32) {
        self.file.write_all_at(&value.to_ne_bytes(), at).expect("within the memory");
    }

    /// A record's header at this position of the ring to the creator.
    pub(crate) fn header(&self, position: u64, bytes: u32, flags: u32) {
        self.set(BYTES + position, bytes);
        self.set(BYTES + position + 4, flags);
    }
}
