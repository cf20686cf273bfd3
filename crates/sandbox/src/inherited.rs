//! Descriptors that this program was started with, by the program that it takes the place of.
//!
//! Whatever is opened here is closed when another program takes this one's place, unless somebody lets go of it
//! ([`keep_open`]); so a number that is open at the start was meant for us.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use rustix::io::FdFlags;

use crate::raw;

/// Owns a descriptor that this program was started with; no program that it starts inherits it from then on.
///
/// # Errors
/// `EBADF` when there is none of this number, when it was not inherited, or when it was taken before.
pub fn take(number: RawFd) -> io::Result<OwnedFd> {
    raw::inherited::take(number)
}

/// Another descriptor for what an inherited one refers to. The inherited one stays as it is, so that a program that takes
/// our place can still have it.
///
/// # Errors
/// `EBADF` when there is none of this number, `EMFILE` when there is no room for another.
pub fn copy(number: RawFd) -> io::Result<OwnedFd> {
    raw::inherited::copy(number)
}

/// Says whether a program that takes this one's place finds the descriptor open, under the same number.
///
/// # Errors
/// The system has no reason to refuse.
pub fn keep_open(fd: BorrowedFd<'_>, kept: Kept) -> io::Result<()> {
    let flags = match kept {
        Kept::Open => FdFlags::empty(),
        Kept::Closed => FdFlags::CLOEXEC,
    };
    Ok(rustix::io::fcntl_setfd(fd, flags)?)
}

/// How a descriptor is found by whoever takes this program's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Open.
    Open,
    /// Not at all.
    Closed,
}

#[cfg(test)]
mod tests;
