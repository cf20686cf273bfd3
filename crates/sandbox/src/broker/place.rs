//! Addresses as the system has them in memory, and as we speak of them.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

#[cfg(test)]
mod tests;

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// A place of the internet, in the clothes in which it came.
    Internet(SocketAddr),
    /// A file.
    File(&'a Path),
    /// Anything else, also what is no address at all.
    Other,
}

/// Reads an address as the kernel does.
pub(super) fn read(bytes: &[u8]) -> Place<'_> {
    let Some((family, rest)) = bytes.split_first_chunk::<2>() else { return Place::Other };
    match i32::from(u16::from_ne_bytes(*family)) {
        libc::AF_INET => v4(rest).map_or(Place::Other, Place::Internet),
        libc::AF_INET6 => v6(rest).map_or(Place::Other, Place::Internet),
        libc::AF_UNIX => file(rest).map_or(Place::Other, Place::File),
        _ => Place::Other,
    }
}

/// `sockaddr_in` behind its family: port, address, eight bytes of nothing, which have to be there.
fn v4(rest: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(*rest.get(..2)?.first_chunk()?);
    let octets: [u8; 4] = *rest.get(2..6)?.first_chunk()?;
    (rest.len() >= 14).then(|| SocketAddr::new(IpAddr::V4(Ipv4Addr::from(octets)), port))
}

/// `sockaddr_in6` behind its family: port, flow, address, and a scope that old programs leave out.
fn v6(rest: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes(*rest.get(..2)?.first_chunk()?);
    let octets: [u8; 16] = *rest.get(6..22)?.first_chunk()?;
    Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(octets)), port))
}

/// A path up to its end or a zero byte; one that begins with it is none.
fn file(rest: &[u8]) -> Option<&Path> {
    let path = rest.split(|byte| *byte == 0).next().filter(|path| !path.is_empty())?;
    Some(Path::new(OsStr::from_bytes(path)))
}
