//! Who is at the other end of a local socket, by the system's word.

use std::os::fd::BorrowedFd;

use crate::raw::sockets;

/// 12 bytes: process, user, group.
const CREDENTIALS_BYTES: usize = 12;

/// The number that the process has here which opened the other end, or listened there; none when it is in a pid namespace that can't
/// be seen from here, and when the socket is not a local one.
pub fn peer_pid(socket: BorrowedFd<'_>) -> Option<u32> {
    let mut bytes = [0; CREDENTIALS_BYTES];
    let filled = sockets::option(socket, libc::SOL_SOCKET, libc::SO_PEERCRED, &mut bytes).ok()?;
    let pid = u32::from_ne_bytes(*bytes[..filled].first_chunk()?);
    (pid != 0).then_some(pid)
}

#[cfg(test)]
mod tests;
