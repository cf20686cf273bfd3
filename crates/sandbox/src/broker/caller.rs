//! Who makes a call that waits, and what it holds: read through the system's own view of its process.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::raw::sockets::{self, ADDRESS_BYTES_MAX};
use crate::raw::watch::{self, Call};

/// `SO_NETNS_COOKIE`: the number of the network that a socket lives in, which no other ever gets.
const NETWORK: i32 = 71;

/// The flag of a descriptor that is closed when a program starts, as the system shows it.
const CLOSED_AT_EXEC: u32 = libc::O_CLOEXEC.cast_unsigned();

/// The process.
#[derive(Debug)]
pub(super) struct Caller {
    thread: u32,
    pidfd: OwnedFd,
}

/// What a socket is, as far as answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// TCP, in the network with this number, of one of the internet's families.
    Stream { network: u64, family: AddressFamily },
    /// A local one.
    Local,
    /// Any other.
    Other,
}

impl Caller {
    /// Who makes the call. It may be somebody else with the same number until [`watch::is_waiting`] was asked after all reading.
    pub(super) fn of(call: &Call) -> Result<Self, i32> {
        let status = fs::read_to_string(format!("/proc/{}/status", call.thread)).map_err(number)?;
        let leader = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
        let leader =
            leader.and_then(|text| text.trim().parse().ok()).and_then(Pid::from_raw).ok_or(libc::ESRCH)?;
        let pidfd = pidfd_open(leader, PidfdFlags::empty()).map_err(|errno| errno.raw_os_error())?;
        Ok(Self { thread: call.thread, pidfd })
    }

    /// A copy of one of its descriptors: the same open socket.
    pub(super) fn socket(&self, fd: i32) -> Result<OwnedFd, i32> {
        watch::copy_of(self.pidfd.as_fd(), fd)
    }

    /// The flags with which a number of its is to be set anew.
    pub(super) fn flags(&self, fd: i32) -> i32 {
        let info = fs::read_to_string(format!("/proc/{}/fdinfo/{fd}", self.thread)).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()).unwrap_or(CLOSED_AT_EXEC);
        if flags & CLOSED_AT_EXEC != 0 { libc::O_CLOEXEC } else { 0 }
    }

    /// An address that it has in its memory, copied once.
    pub(super) fn address(&self, at: u64, bytes: u64) -> Result<Vec<u8>, i32> {
        let bytes = usize::try_from(bytes & u64::from(u32::MAX)).map_err(|_| libc::EINVAL)?;
        if !(2..=ADDRESS_BYTES_MAX).contains(&bytes) {
            return Err(libc::EINVAL);
        }
        let memory = File::open(format!("/proc/{}/mem", self.thread)).map_err(number)?;
        let mut address = vec![0; bytes];
        memory.read_exact_at(&mut address, at).map_err(|_| libc::EFAULT)?;
        Ok(address)
    }

    /// Its root or working folder, to look for names in.
    pub(super) fn folder(&self, which: &str) -> Result<OwnedFd, i32> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = format!("/proc/{}/{which}", self.thread);
        rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| errno.raw_os_error())
    }
}

impl Kind {
    pub(super) fn of(socket: BorrowedFd<'_>) -> Result<Self, i32> {
        let is = |name| number_of(socket, libc::SOL_SOCKET, name);
        let family = match is(libc::SO_DOMAIN)? {
            libc::AF_INET => AddressFamily::INET,
            libc::AF_INET6 => AddressFamily::INET6,
            libc::AF_UNIX => return Ok(Self::Local),
            _ => return Ok(Self::Other),
        };
        if is(libc::SO_TYPE)? != libc::SOCK_STREAM {
            return Ok(Self::Other);
        }
        Ok(Self::Stream { network: network_of(socket)?, family })
    }
}

/// An option that is a number.
pub(super) fn number_of(socket: BorrowedFd<'_>, level: i32, name: i32) -> Result<i32, i32> {
    let mut bytes = [0; 4];
    sockets::option(socket, level, name, &mut bytes)?;
    Ok(i32::from_ne_bytes(bytes))
}

fn network_of(socket: BorrowedFd<'_>) -> Result<u64, i32> {
    let mut bytes = [0; 8];
    sockets::option(socket, libc::SOL_SOCKET, NETWORK, &mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// The number of our own network.
///
/// # Errors
/// Linux before 5.14 has no such numbers; nothing can be told apart then.
pub(super) fn own_network() -> io::Result<u64> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    network_of(socket.as_fd()).map_err(io::Error::from_raw_os_error)
}

fn number(error: io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}
