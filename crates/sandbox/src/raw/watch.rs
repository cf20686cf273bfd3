//! System calls that wait for an answer: the filter's end in the child, and the end where they are answered.
//!
//! In the child the protocol of the level above holds: nothing is allocated and no pointer kept. The kernel's structures are written
//! and read whole, by the `ioctl`s of their own size.
#![expect(unsafe_code, reason = "raw system calls have no safe wrapper")]

use core::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{checked, errno};

/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`: once a call was taken up, no signal but a deadly one interrupts it.
const WAIT_KILLABLE: libc::c_ulong = 1 << 5;

const NOTIF_RECV: libc::c_ulong = 0xc050_2100;
const NOTIF_SEND: libc::c_ulong = 0xc018_2101;
const NOTIF_ID_VALID: libc::c_ulong = 0x4008_2102;
const NOTIF_ADDFD: libc::c_ulong = 0x4018_2103;

/// A call that waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) id: u64,
    /// The number of the calling thread; good as long as [`is_waiting`].
    pub(crate) thread: u32,
    pub(crate) number: libc::c_long,
    pub(crate) arguments: [u64; 6],
}

/// Installs a filter, and gives the descriptor at which the calls that it sends away can be answered.
pub(crate) fn install_watched_filter(filter: &[libc::sock_filter]) -> Result<RawFd, i32> {
    let with = |flags| super::set_filter(filter, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | flags);
    let listener = match with(WAIT_KILLABLE) {
        // Linux before 5.19.
        Err(libc::EINVAL) => with(0)?,
        other => other?,
    };
    c_int::try_from(listener).map_err(|_| libc::EIO)
}

/// One descriptor's header and itself, with the alignment that the kernel expects.
#[repr(C, align(8))]
struct Letter([u8; LETTER_BYTES]);

// SAFETY: the macro's function computes a number from a number.
const LETTER_BYTES: usize = unsafe { libc::CMSG_SPACE(size_of::<c_int>() as u32) } as usize;

/// Sends a descriptor through a local socket, with one byte.
pub(crate) fn hand_over(to: BorrowedFd<'_>, fd: RawFd) -> Result<(), i32> {
    let mut byte = 0_u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast::<c_void>(), iov_len: 1 };
    let mut letter = Letter([0; LETTER_BYTES]);
    // SAFETY: all zeros is a valid `msghdr`: null pointers and lengths of 0.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = letter.0.as_mut_ptr().cast::<c_void>();
    message.msg_controllen = LETTER_BYTES;
    // SAFETY: the message has a control buffer of the size for one header, so the first header lies in it, aligned.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    if header.is_null() {
        return Err(libc::EIO);
    }
    // SAFETY: as above; the header and its data of one descriptor lie within the letter, which is ours alone.
    unsafe {
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<c_int>() as u32) as usize;
        libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(fd);
    }
    // SAFETY: the message points to a part and a letter that live until the call has returned, which only reads them.
    let returned =
        unsafe { libc::sendmsg(to.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) };
    checked(returned as libc::c_long).map(|_| ())
}

/// Takes up the next call. Waits when there is none, so ask `poll` before.
pub(crate) fn next_call(listener: BorrowedFd<'_>) -> Result<Call, i32> {
    // SAFETY: all zeros is a valid value of the structure, and the kernel demands it so.
    let mut asked: libc::seccomp_notif = unsafe { core::mem::zeroed() };
    // SAFETY: the request's number holds the size of the structure, which is a valid place to write to.
    let returned = unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_RECV, &raw mut asked) };
    checked(returned.into())?;
    Ok(Call { id: asked.id, thread: asked.pid, number: asked.data.nr.into(), arguments: asked.data.args })
}

/// Whether the call still waits, so that its thread is still the one that made it.
pub(crate) fn is_waiting(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the kernel reads 8 bytes, which the number has.
    let returned = unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_ID_VALID, &raw const id) };
    returned == 0
}

/// Ends the wait: with this errno, or with success for 0.
pub(crate) fn answer(listener: BorrowedFd<'_>, id: u64, errno: i32) -> Result<(), i32> {
    send(listener, libc::seccomp_notif_resp { id, val: 0, error: -errno, flags: 0 })
}

/// Lets the call go on as if there had been no question. What it then does is not what was looked at: only for calls that
/// are harmless whatever they hold.
pub(crate) fn let_through(listener: BorrowedFd<'_>, id: u64) -> Result<(), i32> {
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    send(listener, libc::seccomp_notif_resp { id, val: 0, error: 0, flags })
}

fn send(listener: BorrowedFd<'_>, response: libc::seccomp_notif_resp) -> Result<(), i32> {
    // SAFETY: the request's number holds the size of the structure, which the kernel reads.
    let returned = unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_SEND, &raw const response) };
    checked(returned.into()).map(|_| ())
}

/// Puts a copy of our descriptor at a number of the caller's, in the place of what is there.
pub(crate) fn put_in_place(
    listener: BorrowedFd<'_>,
    id: u64,
    fd: BorrowedFd<'_>,
    number: RawFd,
    flags: c_int,
) -> Result<(), i32> {
    let place = libc::seccomp_notif_addfd {
        id,
        flags: libc::SECCOMP_ADDFD_FLAG_SETFD as u32,
        srcfd: fd.as_raw_fd().cast_unsigned(),
        newfd: number.cast_unsigned(),
        newfd_flags: flags.cast_unsigned(),
    };
    // SAFETY: the request's number holds the size of the structure, which the kernel reads.
    let returned = unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_ADDFD, &raw const place) };
    checked(returned.into()).map(|_| ())
}

/// A copy of another process's descriptor.
pub(crate) fn copy_of(pidfd: BorrowedFd<'_>, number: RawFd) -> Result<OwnedFd, i32> {
    // SAFETY: the call takes numbers and makes a new descriptor.
    let returned = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), number, 0) };
    let fd = c_int::try_from(returned).map_err(|_| libc::EIO)?;
    if fd < 0 {
        return Err(errno());
    }
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
