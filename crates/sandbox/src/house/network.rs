//! The furniture of a network of its own: a loopback that is up, on which every address there is ends, and a socket at which names are
//! asked for.
//!
//! Nothing leads out of it. What a module may reach is opened outside, by whoever answers its calls (see `broker`); what it sends
//! without asking ends here, where nobody listens but the socket for names, whichever server a program believes in.

use super::works::Furniture;
use crate::raw::Handed;
use crate::raw::sockets::Need;

/// The number of the loopback in every network: the first.
const LOOPBACK: u32 = 1;

/// An address that is nobody's (RFC 7600): programs look for names of v4 hosts only where there is an address beside the loopback's.
const DUMMY: [u8; 4] = [192, 0, 0, 8];

const REQUEST_WITH_WORD: u16 = 1 | 4;
const CREATE: u16 = 0x400;
const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const V4: u8 = 2;
const V6: u8 = 10;

/// What furnishes it.
pub(super) fn furniture() -> Furniture {
    Furniture { messages: messages(), line: Handed::empty(), names: Handed::empty() }
}

/// The messages, in their order.
fn messages() -> Vec<(Vec<u8>, Need)> {
    vec![
        (message(NEW_LINK, REQUEST_WITH_WORD, &link_up()), Need::Must),
        (message(NEW_ADDRESS, REQUEST_WITH_WORD | CREATE, &dummy()), Need::Must),
        (message(NEW_ROUTE, REQUEST_WITH_WORD | CREATE, &route(V4)), Need::Must),
        // A machine may have no v6.
        (message(NEW_ROUTE, REQUEST_WITH_WORD | CREATE, &route(V6)), Need::May),
    ]
}

/// The kernel's `nlmsghdr` and what follows.
fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    /// Bytes of the header.
    const HEADER: usize = 16;
    let whole = u32::try_from(HEADER + body.len()).expect("messages are short");
    let mut bytes = whole.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    // No number of its own, and none of a process: each is answered before the next is sent.
    bytes.extend([0; 8]);
    bytes.extend(body);
    bytes
}

/// `ifinfomsg`: the loopback, whose flag "up" is to be set.
fn link_up() -> Vec<u8> {
    const UP: u32 = 1;
    let mut body = vec![0; 4];
    body.extend([LOOPBACK, UP, UP].map(u32::to_ne_bytes).concat());
    body
}

/// `ifaddrmsg`: one more address of the loopback, for itself alone.
fn dummy() -> Vec<u8> {
    const ADDRESS: u16 = 1;
    const LOCAL: u16 = 2;
    let mut body = vec![V4, 32, 0, 0];
    body.extend(LOOPBACK.to_ne_bytes());
    body.extend(attribute(LOCAL, &DUMMY));
    body.extend(attribute(ADDRESS, &DUMMY));
    body
}

/// `rtmsg`: every address is one of this machine.
fn route(family: u8) -> Vec<u8> {
    const TABLE_LOCAL: u8 = 255;
    const BY_HAND: u8 = 4;
    const SCOPE_HOST: u8 = 254;
    const KIND_LOCAL: u8 = 2;
    const OUT: u16 = 4;
    let scope = if family == V4 { SCOPE_HOST } else { 0 };
    let mut body = vec![family, 0, 0, 0, TABLE_LOCAL, BY_HAND, scope, KIND_LOCAL];
    body.extend([0; 4]);
    body.extend(attribute(OUT, &LOOPBACK.to_ne_bytes()));
    body
}

/// `rtattr` with a value of four bytes.
fn attribute(kind: u16, value: &[u8; 4]) -> Vec<u8> {
    let mut bytes = 8_u16.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes
}
