//! Which address belongs to which granted name, as far as it was looked up: by threads of their own, since that takes as long as the
//! network likes.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use crate::reach::{LOCALHOST, Reach, is_elsewhere};

#[cfg(test)]
mod tests;

/// What `localhost` means.
pub(super) const HERE: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// 30 s: a name is looked up again when it is asked for after that.
const FRESH_FOR: Duration = Duration::from_secs(30);

/// 2 s: what could not be looked up is tried again when it is asked for after that.
const FAILED_FOR: Duration = Duration::from_secs(2);

/// 1 h: a program may go on with an address that its name had, as those do that resolve once.
const KNOWN_FOR: Duration = Duration::from_secs(3_600);

/// 64 addresses per name, the latest: a name behind which hosts come and go has some dozens in an hour.
const ADDRESSES_MAX: usize = 64;

/// 1,024 names; more can only come from values that hold a star.
const NAMES_MAX: usize = 1_024;

/// 8 names are looked up at once, a thread each.
const LOOKUPS_MAX: usize = 8;

/// 256 KiB for a thread that calls the C library's resolver.
const STACK_BYTES: usize = 256 << 10;

/// Asks for the addresses of a name.
pub(super) type Resolver = fn(&str) -> io::Result<Vec<IpAddr>>;

/// As this machine resolves it.
pub(super) fn system(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|at| at.ip()).collect())
}

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lookup {
    /// These addresses, as of now.
    Known(Vec<IpAddr>),
    /// Nobody could tell.
    Failed,
    /// It is being looked up, or is about to be.
    UnderWay,
}

/// Whether a place may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    Granted,
    Refused,
    /// A name that it could belong to is being looked up.
    Undecided,
}

#[derive(Debug)]
struct Entry {
    state: State,
    /// With the moment until which each is good.
    addresses: Vec<(IpAddr, Instant)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    UnderWay,
    Found(Instant),
    Failed(Instant),
}

type Found = (String, io::Result<Vec<IpAddr>>);

/// The book.
#[derive(Debug)]
pub(super) struct Book {
    reach: Reach,
    resolver: Resolver,
    names: BTreeMap<String, Entry>,
    under_way: usize,
    tell: Sender<Found>,
    found: Receiver<Found>,
    bell: Arc<OwnedFd>,
}

impl Book {
    pub(super) fn new(reach: Reach, resolver: Resolver) -> io::Result<Self> {
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (tell, found) = channel();
        Ok(Self { reach, resolver, names: BTreeMap::new(), under_way: 0, tell, found, bell })
    }

    /// Readable when something was found.
    pub(super) fn bell(&self) -> &OwnedFd {
        &self.bell
    }

    /// What may be reached now.
    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// What may be reached from now on. What is known of names stays: it is no grant.
    pub(super) fn change_reach(&mut self, reach: Reach) {
        self.reach = reach;
    }

    /// Whether this name may be asked for.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.reach.knows(name)
    }

    /// Whether it may listen there.
    pub(super) fn allows_listening(&self, at: SocketAddr) -> bool {
        self.reach.allows_listening(at)
    }

    /// Whether this place may be reached; for an address of unknown origin the granted names are looked up.
    pub(super) fn permit(&mut self, at: SocketAddr) -> Permit {
        if self.reach.allows_address(at) {
            return Permit::Granted;
        }
        if !is_elsewhere(at.ip()) {
            return Permit::Refused;
        }
        let now = Instant::now();
        let has = |entry: &Entry| entry.addresses.iter().any(|(own, until)| *own == at.ip() && *until > now);
        let mut known = self.names.iter().filter(|(_, entry)| has(entry));
        if known.any(|(name, _)| self.reach.allows_name(name, at.port())) {
            return Permit::Granted;
        }
        let names: Vec<String> = self.reach.names_at(at.port()).map(str::to_owned).collect();
        let mut permit = Permit::Refused;
        for name in names {
            if self.look_up(&name) == Lookup::UnderWay {
                permit = Permit::Undecided;
            }
        }
        permit
    }

    /// The name by which a place is reached, if it was looked up for this child.
    pub(super) fn name_of(&self, at: SocketAddr) -> Option<&str> {
        let has = |entry: &Entry| entry.addresses.iter().any(|(own, _)| *own == at.ip());
        let mut named = self.names.iter().filter(|(_, entry)| has(entry));
        named.find(|(name, _)| self.reach.allows_name(name, at.port())).map(|(name, _)| name.as_str())
    }

    /// All granted names by which a place may be reached; none when its address itself was granted.
    pub(super) fn names_of(&self, at: SocketAddr) -> Vec<String> {
        let has = |entry: &Entry| entry.addresses.iter().any(|(own, _)| *own == at.ip());
        let named =
            self.names.iter().filter(|(name, entry)| has(entry) && self.reach.allows_name(name, at.port()));
        named.map(|(name, _)| name.clone()).collect()
    }

    /// What is known of a granted name; when nothing is, it is looked up.
    pub(super) fn look_up(&mut self, name: &str) -> Lookup {
        let now = Instant::now();
        if !self.names.contains_key(name) {
            if self.names.len() >= NAMES_MAX {
                return Lookup::Failed;
            }
            self.names.insert(name.to_owned(), Entry { state: State::New, addresses: Vec::new() });
        }
        let Some(entry) = self.names.get_mut(name) else { return Lookup::Failed };
        match entry.state {
            State::Found(at) if now.duration_since(at) < FRESH_FOR => {
                let until = now + KNOWN_FOR;
                entry.addresses.iter_mut().for_each(|(_, good)| *good = (*good).max(until));
                return Lookup::Known(entry.addresses.iter().map(|(address, _)| *address).collect());
            }
            State::Failed(at) if now.duration_since(at) < FAILED_FOR => return Lookup::Failed,
            State::UnderWay => return Lookup::UnderWay,
            State::New | State::Found(_) | State::Failed(_) => {}
        }
        if self.under_way >= LOOKUPS_MAX {
            return Lookup::UnderWay;
        }
        let begun = begin(name.to_owned(), self.resolver, self.tell.clone(), self.bell.clone());
        entry.state = if begun.is_ok() { State::UnderWay } else { State::Failed(now) };
        self.under_way += usize::from(begun.is_ok());
        if begun.is_ok() { Lookup::UnderWay } else { Lookup::Failed }
    }

    /// Takes what the threads have found.
    pub(super) fn take_found(&mut self) {
        let mut count = [0; 8];
        // It counts what was rung for; nothing is lost when it was read before.
        let _ = rustix::io::read(&self.bell, &mut count);
        while let Ok((name, found)) = self.found.try_recv() {
            self.under_way = self.under_way.saturating_sub(1);
            let now = Instant::now();
            let Some(entry) = self.names.get_mut(&name) else { continue };
            let Ok(addresses) = found else {
                entry.state = State::Failed(now);
                continue;
            };
            entry.state = State::Found(now);
            let is_here = name == LOCALHOST;
            for address in addresses.into_iter().map(|address| address.to_canonical()) {
                if is_here || is_elsewhere(address) {
                    entry.addresses.retain(|(own, _)| *own != address);
                    entry.addresses.insert(0, (address, now + KNOWN_FOR));
                }
            }
            entry.addresses.retain(|(_, until)| *until > now);
            entry.addresses.truncate(ADDRESSES_MAX);
        }
    }
}

fn begin(name: String, resolver: Resolver, tell: Sender<Found>, bell: Arc<OwnedFd>) -> io::Result<()> {
    let work = move || {
        let found = resolver(&name);
        // Nobody hears it when the life is over.
        let _ = tell.send((name, found));
        let _ = rustix::io::write(&bell, &1_u64.to_ne_bytes());
    };
    std::thread::Builder::new().name("names".to_owned()).stack_size(STACK_BYTES).spawn(work).map(drop)
}
