//! Descriptors that a process which shares our table and our memory puts there for us.
#![expect(unsafe_code, reason = "a number becomes an owned descriptor")]

use core::sync::atomic::{AtomicI32, Ordering};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// A place for one descriptor. Whatever was put there and not taken is closed with it.
#[derive(Debug)]
pub(crate) struct Handed(AtomicI32);

impl Handed {
    pub(crate) const fn empty() -> Self {
        Self(AtomicI32::new(-1))
    }

    /// Puts a descriptor here that the caller has just been given by the kernel, and that nobody else knows of. Once.
    pub(super) fn put(&self, fd: RawFd) {
        self.0.store(fd, Ordering::Relaxed);
    }

    /// The number, for the process that put it.
    pub(super) fn number(&self) -> RawFd {
        self.0.load(Ordering::Relaxed)
    }

    /// Called by us, after the process that puts has ended.
    pub(crate) fn take(&self) -> Option<OwnedFd> {
        let fd = self.0.swap(-1, Ordering::Relaxed);
        if fd < 0 {
            return None;
        }
        // SAFETY: `put` is only called with a number that the kernel has just given out in the table that we share, for a
        // descriptor that nobody else knows of or closes; the swap hands it out once.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        drop(self.take());
    }
}
