//! Sockets as bytes: addresses and options that are handed on as they came, the questions for names, and the furniture of an empty
//! network.
//!
//! The same protocol holds as one level up. Addresses are slices whose length goes with them, so that the kernel never reads past one.
#![expect(unsafe_code, reason = "raw system calls have no safe wrapper")]

use core::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use super::{Handed, checked, errno};

/// The port at which names are asked for.
const NAMES_PORT: u16 = 53;

/// 128 bytes hold any address.
pub(crate) const ADDRESS_BYTES_MAX: usize = size_of::<libc::sockaddr_storage>();

fn length(bytes: &[u8]) -> libc::socklen_t {
    libc::socklen_t::try_from(bytes.len()).unwrap_or(libc::socklen_t::MAX)
}

/// Connects to an address that is given as the kernel has it.
pub(crate) fn connect(fd: BorrowedFd<'_>, address: &[u8]) -> Result<(), i32> {
    // SAFETY: the kernel copies that many bytes from the slice and interprets its copy.
    let returned = unsafe { libc::connect(fd.as_raw_fd(), address.as_ptr().cast(), length(address)) };
    checked(returned.into()).map(|_| ())
}

/// Binds to an address that is given as the kernel has it.
pub(crate) fn bind(fd: BorrowedFd<'_>, address: &[u8]) -> Result<(), i32> {
    // SAFETY: the kernel copies that many bytes from the slice and interprets its copy.
    let returned = unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr().cast(), length(address)) };
    checked(returned.into()).map(|_| ())
}

/// A socket's own address, as the kernel has it.
pub(crate) fn own_address(fd: BorrowedFd<'_>) -> Result<Vec<u8>, i32> {
    let mut bytes = [0_u8; ADDRESS_BYTES_MAX];
    let mut filled = length(&bytes);
    // SAFETY: the kernel writes at most as many bytes as the second pointer says, which is the array's length.
    let returned = unsafe { libc::getsockname(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), &raw mut filled) };
    checked(returned.into())?;
    Ok(bytes[..bytes.len().min(filled as usize)].to_vec())
}

/// Lets a socket wait for connections.
pub(crate) fn listen(fd: BorrowedFd<'_>, backlog: c_int) -> Result<(), i32> {
    // SAFETY: the call takes two numbers.
    let returned = unsafe { libc::listen(fd.as_raw_fd(), backlog) };
    checked(returned.into()).map(|_| ())
}

/// Reads an option; gives how many bytes it has.
pub(crate) fn option(fd: BorrowedFd<'_>, level: c_int, name: c_int, into: &mut [u8]) -> Result<usize, i32> {
    let mut filled = length(into);
    // SAFETY: the kernel writes at most as many bytes as the last pointer says, which is the slice's length.
    let returned = unsafe {
        libc::getsockopt(fd.as_raw_fd(), level, name, into.as_mut_ptr().cast::<c_void>(), &raw mut filled)
    };
    checked(returned.into())?;
    Ok(filled as usize)
}

/// Sets an option.
pub(crate) fn set_option(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: &[u8]) -> Result<(), i32> {
    set_option_of(fd.as_raw_fd(), level, name, value)
}

fn set_option_of(fd: RawFd, level: c_int, name: c_int, value: &[u8]) -> Result<(), i32> {
    // SAFETY: the kernel reads as many bytes as the slice has.
    let returned =
        unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast::<c_void>(), length(value)) };
    checked(returned.into()).map(|_| ())
}

/// Sends messages to the kernel's network part and reads its word on each; nothing is said about those that need not succeed.
/// Called in a builder, so it allocates nothing.
pub(crate) fn furnish(messages: &[(Vec<u8>, Need)], line: &Handed) -> Result<(), i32> {
    // SAFETY: the call takes numbers; the new descriptor is put where it is owned.
    let fd =
        unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
    checked(fd.into())?;
    line.put(fd);
    for (message, need) in messages {
        let told = ask(fd, message);
        if *need == Need::Must {
            told?;
        }
    }
    Ok(())
}

/// Whether a message has to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Without it there is no use in the rest.
    Must,
    /// A machine may lack it.
    May,
}

/// Where in an answer the number of the error lies: after a header of 16 bytes.
const ERROR_AT: usize = 16;

fn ask(fd: RawFd, message: &[u8]) -> Result<(), i32> {
    // SAFETY: the kernel reads as many bytes as the slice has.
    let sent = unsafe { libc::send(fd, message.as_ptr().cast::<c_void>(), message.len(), 0) };
    checked(sent as libc::c_long)?;
    let mut answer = [0_u8; 256];
    // SAFETY: the kernel writes at most as many bytes as the array has.
    let got = unsafe { libc::recv(fd, answer.as_mut_ptr().cast::<c_void>(), answer.len(), 0) };
    let got = checked(got as libc::c_long)?;
    let number = match answer[ERROR_AT..].first_chunk() {
        Some(bytes) if got >= (ERROR_AT + size_of::<i32>()) as libc::c_long => i32::from_ne_bytes(*bytes),
        _ => return Err(libc::EBADMSG),
    };
    if number == 0 { Ok(()) } else { Err(-number) }
}

/// Opens the socket at which names are asked for, on every address of this network. Called in a builder, so it allocates nothing.
pub(crate) fn open_names(place: &Handed) -> Result<(), i32> {
    let on = 1_i32.to_ne_bytes();
    let six = libc::sockaddr_in6 {
        sin6_family: libc::AF_INET6 as libc::sa_family_t,
        sin6_port: NAMES_PORT.to_be(),
        sin6_flowinfo: 0,
        sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
        sin6_scope_id: 0,
    };
    if let Ok(fd) = datagrams(libc::AF_INET6) {
        let opened = set_option_of(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, &[0; 4])
            .and_then(|()| set_option_of(fd, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, &on))
            .and_then(|()| bind_at(fd, &six));
        if opened.is_ok() {
            place.put(fd);
            return Ok(());
        }
        // SAFETY: it was opened a moment ago by this function, and nobody else knows of it.
        let _ = unsafe { libc::close(fd) };
    }
    let four = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: NAMES_PORT.to_be(),
        sin_addr: libc::in_addr { s_addr: 0 },
        sin_zero: [0; 8],
    };
    let fd = datagrams(libc::AF_INET)?;
    place.put(fd);
    set_option_of(fd, libc::IPPROTO_IP, libc::IP_PKTINFO, &on)?;
    bind_at(fd, &four)
}

fn datagrams(family: c_int) -> Result<RawFd, i32> {
    // SAFETY: the call takes numbers; the new descriptor is put where it is owned, or closed.
    let fd = unsafe { libc::socket(family, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    checked(fd.into()).map(|_| fd)
}

fn bind_at<T>(fd: RawFd, address: &T) -> Result<(), i32> {
    // SAFETY: the pointer is to a valid address of this length, which the kernel only reads.
    let returned =
        unsafe { libc::bind(fd, core::ptr::from_ref(address).cast(), size_of::<T>() as libc::socklen_t) };
    checked(returned.into()).map(|_| ())
}

/// 128 bytes for what comes with a datagram; it is one address.
const EXTRA_BYTES_MAX: usize = 128;

#[repr(C, align(8))]
#[derive(Debug, Clone, Copy)]
struct Extra([u8; EXTRA_BYTES_MAX]);

/// Where a datagram came from and whereto, to answer it the same way back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    from: [u8; ADDRESS_BYTES_MAX],
    from_bytes: libc::socklen_t,
    extra: Extra,
    extra_bytes: usize,
}

/// Takes a datagram, if there is one; a longer one is cut off.
pub(crate) fn take_datagram(fd: BorrowedFd<'_>, into: &mut [u8]) -> Result<(usize, Way), i32> {
    let mut way = Way {
        from: [0; ADDRESS_BYTES_MAX],
        from_bytes: length(&[0; ADDRESS_BYTES_MAX]),
        extra: Extra([0; EXTRA_BYTES_MAX]),
        extra_bytes: 0,
    };
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast::<c_void>(), iov_len: into.len() };
    // SAFETY: all zeros is a valid `msghdr`: null pointers and lengths of 0.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_name = way.from.as_mut_ptr().cast::<c_void>();
    message.msg_namelen = way.from_bytes;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = way.extra.0.as_mut_ptr().cast::<c_void>();
    message.msg_controllen = EXTRA_BYTES_MAX;
    // SAFETY: all pointers of the message are to places of the lengths beside them, which live until the call has returned.
    let got = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    let got = usize::try_from(got).map_err(|_| errno())?;
    way.from_bytes = message.msg_namelen;
    way.extra_bytes = message.msg_controllen.min(EXTRA_BYTES_MAX);
    forget_interface(&mut way);
    Ok((got, way))
}

/// What was told is the address that was asked, which is the address to answer from; its interface is left to the kernel.
fn forget_interface(way: &mut Way) {
    // A header of 16 bytes; then for v6 the address and the interface's number, for v4 the number, what to send from, the address asked.
    let header = size_of::<libc::cmsghdr>();
    let level = way.extra.0[header - 8..header - 4].first_chunk().map(|bytes| c_int::from_ne_bytes(*bytes));
    if level == Some(libc::IPPROTO_IPV6) {
        way.extra.0[header + 16..header + 20].fill(0);
    } else {
        way.extra.0.copy_within(header + 8..header + 12, header + 4);
        way.extra.0[header..header + 4].fill(0);
    }
}

/// Sends a datagram the way back.
pub(crate) fn answer_datagram(fd: BorrowedFd<'_>, way: &Way, bytes: &[u8]) -> Result<(), i32> {
    let mut way = *way;
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast::<c_void>(), iov_len: bytes.len() };
    // SAFETY: all zeros is a valid `msghdr`: null pointers and lengths of 0.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_name = way.from.as_mut_ptr().cast::<c_void>();
    message.msg_namelen = way.from_bytes;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = way.extra.0.as_mut_ptr().cast::<c_void>();
    message.msg_controllen = way.extra_bytes;
    // SAFETY: all pointers of the message are to places of the lengths beside them, which live until the call has returned; it only
    // reads them, although the type of the part says otherwise.
    let sent =
        unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
    checked(sent as libc::c_long).map(|_| ())
}
