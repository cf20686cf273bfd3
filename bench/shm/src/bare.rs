//! The least that a ring through shared memory can be: slots of a fixed size, no checks, no flags, nobody sleeps.
//!
//! It is what the lane is measured against, and of no use for anything else: both sides trust each other.
#![expect(unsafe_code, reason = "mapping memory has no safe wrapper")]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};

/// 256 slots of 256 bytes: the same 64 KiB as the lane's ring.
const SLOTS: u32 = 256;
const SLOT_BYTES: usize = 256;
const LINE: usize = 128;
const RING_BYTES: usize = 2 * LINE + SLOTS as usize * SLOT_BYTES;

/// One direction. Its memory stays mapped until the process ends.
#[derive(Debug)]
pub(crate) struct Bare {
    base: *mut u8,
    position: u32,
    other: u32,
}

/// Makes the memory of both directions.
pub(crate) fn create() -> OwnedFd {
    let fd = memfd_create("bare", MemfdFlags::empty()).expect("shared memory");
    ftruncate(&fd, 2 * RING_BYTES as u64).expect("shared memory");
    fd
}

/// Both directions, the creator's way out first.
pub(crate) fn map(fd: &OwnedFd) -> [Bare; 2] {
    let base = map_at(fd.as_fd());
    let ring = |number: usize| Bare {
        // SAFETY: within the mapping, which is two rings long.
        base: unsafe { base.add(number * RING_BYTES) },
        position: 0,
        other: 0,
    };
    [ring(0), ring(1)]
}

fn map_at(fd: BorrowedFd<'_>) -> *mut u8 {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at a place that the system chooses touches no memory that is in use.
    let mapped = unsafe { mmap(std::ptr::null_mut(), 2 * RING_BYTES, protection, MapFlags::SHARED, fd, 0) };
    mapped.expect("shared memory").cast()
}

impl Bare {
    fn word(&self, at: usize) -> &AtomicU32 {
        // SAFETY: within the ring's memory, aligned, and never unmapped.
        unsafe { &*self.base.add(at).cast::<AtomicU32>() }
    }

    fn slot(&self, position: u32) -> *mut u8 {
        let at = 2 * LINE + (position % SLOTS) as usize * SLOT_BYTES;
        // SAFETY: the remainder is within the ring's slots.
        unsafe { self.base.add(at) }
    }

    /// Writes one message without showing it; waits for room by looking.
    pub(crate) fn push(&mut self, message: &[u8]) {
        assert!(message.len() <= SLOT_BYTES - 4, "a message fits a slot");
        while self.position.wrapping_sub(self.other) == SLOTS {
            self.other = self.word(LINE).load(Ordering::Acquire);
            if self.position.wrapping_sub(self.other) == SLOTS {
                self.show();
                std::hint::spin_loop();
            }
        }
        let slot = self.slot(self.position);
        // SAFETY: the slot is ours until it is shown, and long enough.
        unsafe {
            slot.cast::<u32>().write(message.len() as u32);
            std::ptr::copy_nonoverlapping(message.as_ptr(), slot.add(4), message.len());
        }
        self.position = self.position.wrapping_add(1);
    }

    /// Shows what was written.
    pub(crate) fn show(&self) {
        self.word(0).store(self.position, Ordering::Release);
    }

    /// Waits for messages by looking, takes those that are there, and gives how many.
    pub(crate) fn take(&mut self, into: &mut [u8; SLOT_BYTES]) -> u64 {
        while self.other == self.position {
            self.other = self.word(0).load(Ordering::Acquire);
            std::hint::spin_loop();
        }
        let mut taken = 0;
        while self.position != self.other {
            let slot = self.slot(self.position);
            // SAFETY: the slot was shown to us and is ours until we give it back; its length is what `push` wrote.
            unsafe {
                let bytes = slot.cast::<u32>().read() as usize;
                std::ptr::copy_nonoverlapping(slot.add(4), into.as_mut_ptr(), bytes);
            }
            self.position = self.position.wrapping_add(1);
            taken += 1;
        }
        self.word(LINE).store(self.position, Ordering::Release);
        taken
    }
}
