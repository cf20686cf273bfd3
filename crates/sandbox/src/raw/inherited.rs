//! Descriptors that this program was started with.
#![expect(unsafe_code, reason = "a number becomes an owned descriptor")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use rustix::io::{Errno, FdFlags};

/// 3: the first number after a program's input and outputs, which belong to everybody.
const FIRST: RawFd = 3;

/// Owns a descriptor that this program was started with. From now on no program that it starts inherits it.
///
/// # Errors
/// `EBADF` when there is none of this number, or when it was not inherited, or was taken before.
pub(crate) fn take(number: RawFd) -> io::Result<OwnedFd> {
    if number < FIRST {
        return Err(Errno::BADF.into());
    }
    // SAFETY: whatever this program itself opens is closed on `exec`, so the flag says of a number without it that it was
    // inherited and that nobody here owns it. That is looked at before anything is done with it, the flag is set before it
    // is handed out, and so nobody can take it a second time.
    let fd = unsafe {
        let flags = libc::fcntl(number, libc::F_GETFD);
        if flags < 0 {
            return Err(io::Error::last_os_error());
        }
        if flags & libc::FD_CLOEXEC != 0 {
            return Err(Errno::BADF.into());
        }
        OwnedFd::from_raw_fd(number)
    };
    rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// Another descriptor for what an inherited one refers to, which stays as it is.
///
/// # Errors
/// `EBADF` when there is none of this number, `EMFILE` when there is no room for another.
pub(crate) fn copy(number: RawFd) -> io::Result<OwnedFd> {
    if number < FIRST {
        return Err(Errno::BADF.into());
    }
    // SAFETY: the call makes a new descriptor or fails, and touches nothing else; what it made is owned by nobody yet.
    unsafe {
        let copy = libc::fcntl(number, libc::F_DUPFD_CLOEXEC, FIRST);
        if copy < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(copy)) }
    }
}
