//! What was opened outside for a child: so that it can be told, when it may reach less, what of it is still open.
//!
//! A socket that was put into a child's hands is the child's: we keep no descriptor of it, since its peer would never see it closed. So
//! sockets are known by their numbers, and the system's own list of what is open, whoever holds it and wherever it was passed on,
//! tells which of them are still there.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::BorrowedFd;

use rustix::fs::fstat;

use crate::reach::Reach;

#[cfg(test)]
mod tests;

/// 1,024 sockets are remembered before it is looked which of them are still open; as many may be.
const REMEMBERED_MAX: usize = 1_024;

/// The system's lists of streams of our network.
const LISTS: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

/// What a socket is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It leads to a place.
    Connection,
    /// It stands at a place, and what is accepted there leads on.
    Listener,
}

/// One of them.
#[derive(Debug)]
struct One {
    number: u64,
    at: SocketAddr,
    /// The granted names that it was opened by; none when the address itself was granted.
    names: Vec<String>,
    used: Use,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Opened {
    all: Vec<One>,
    /// Places of sockets that there was no room to remember.
    left_out: Option<SocketAddr>,
}

impl Opened {
    /// Remembers a socket that is about to be put into the child's hands.
    pub(super) fn note(&mut self, socket: BorrowedFd<'_>, at: SocketAddr, names: Vec<String>, used: Use) {
        if self.all.len() >= REMEMBERED_MAX {
            self.forget_closed();
        }
        let number = fstat(socket).map(|stat| stat.st_ino);
        match number {
            Ok(number) if self.all.len() < REMEMBERED_MAX => self.all.push(One { number, at, names, used }),
            _ => self.left_out = Some(at),
        }
    }

    fn forget_closed(&mut self) {
        // While the list can't be read, all of them may be open.
        if let Ok(open) = open_among(&self.all) {
            let mut open = open.into_iter();
            self.all.retain(|_| open.next().unwrap_or(true));
        }
    }

    /// The places beyond this reach that are still open. A list that can't be read leaves all that may be.
    pub(super) fn beyond(&mut self, reach: &Reach) -> Vec<SocketAddr> {
        self.forget_closed();
        let is_beyond = |one: &&One| !one.is_within(reach);
        let mut places: Vec<SocketAddr> =
            self.all.iter().filter(is_beyond).map(|one| one.at).chain(self.left_out).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

impl One {
    fn is_within(&self, reach: &Reach) -> bool {
        match self.used {
            Use::Connection => {
                reach.allows_address(self.at)
                    || self.names.iter().any(|name| reach.allows_name(name, self.at.port()))
            }
            Use::Listener => reach.allows_listening(self.at),
        }
    }

    /// Whether a line of the list is this socket, or one that was accepted by it.
    fn is(&self, row: Row) -> bool {
        let stands_there = || {
            let own = self.at.ip().to_canonical();
            let is_here = own.is_unspecified() || own == row.local.ip().to_canonical();
            is_here && self.at.port() == row.local.port()
        };
        row.number == self.number || (self.used == Use::Listener && row.number != 0 && stands_there())
    }
}

/// Which of them are open, in their order.
fn open_among(all: &[One]) -> io::Result<Vec<bool>> {
    let mut open = vec![false; all.len()];
    for list in LISTS {
        let file = match File::open(list) {
            Ok(file) => file,
            // A machine without IPv6 has no list of it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && list != LISTS[0] => continue,
            Err(error) => return Err(error),
        };
        mark(BufReader::new(file), all, &mut open)?;
    }
    Ok(open)
}

fn mark(list: impl BufRead, all: &[One], open: &mut [bool]) -> io::Result<()> {
    for line in list.lines() {
        let Some(row) = Row::parse(&line?) else { continue };
        for (is_open, one) in open.iter_mut().zip(all) {
            *is_open |= one.is(row);
        }
    }
    Ok(())
}

/// A line of the list, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    local: SocketAddr,
    /// 0 for what no process holds any more.
    number: u64,
}

impl Row {
    /// `sl local_address rem_address st queues timer retransmits uid timeout inode ...`; nothing for the heading.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let local = place(words.nth(1)?)?;
        let number = words.nth(7)?.parse().ok()?;
        Some(Self { local, number })
    }
}

/// `0100007F:1F90`: words of the address as they lie in memory, and the port.
fn place(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word =
        |at: usize| Some(u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let octets = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?))
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}
