//! The three calls that wait for an answer: what is done for each, on which socket, in which network.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::fs::{Mode, OFlags, ResolveFlags, fcntl_getfl, fcntl_setfl, openat2};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, ipproto, socket_with};

use super::book::Permit;
use super::caller::{Caller, Kind, number_of};
use super::opened::Use;
use super::place::{self, Place};
use super::wants::{self, Standing, Want};
use super::{Desk, News, Refusal};
use crate::raw::sockets;
use crate::raw::watch::{self, Call};
use crate::reach::plain;
use crate::seccomp;

/// 150 s for a connection that a program waits for: the kernel itself gives up after about 130.
const CONNECT_WITHIN: Duration = Duration::from_secs(150);

/// 10 s for the names that a place could belong to.
const NAMES_WITHIN: Duration = Duration::from_secs(10);

/// 256 calls of one life wait at once; the next ones are told to try again.
const WAITING_MAX: usize = 256;

/// A connection that is being made for a caller that waits for it.
pub(super) struct Pending {
    id: u64,
    fd: i32,
    flags: i32,
    pub(super) socket: OwnedFd,
    at: SocketAddr,
    until: Instant,
}

/// A call whose place may belong to a name that is being looked up.
pub(super) struct Parked {
    wanted: Wanted,
    until: Instant,
}

/// A stream that is to be connected.
struct Wanted {
    id: u64,
    /// The caller's number of it, and the flags of that number.
    fd: i32,
    flags: i32,
    own: OwnedFd,
    network: u64,
    family: AddressFamily,
    address: Vec<u8>,
    at: SocketAddr,
}

/// What a call is answered with.
enum Word {
    /// This errno, or success for 0.
    Errno(i32),
    /// As if nobody had been asked.
    LetThrough,
    /// Nothing yet.
    Later,
}

/// What is done by a system call of ours on the caller's socket.
fn done(result: Result<(), i32>) -> Word {
    Word::Errno(result.err().unwrap_or(0))
}

impl<T: FnMut(News)> Desk<T> {
    pub(super) fn answer(&mut self, call: &Call) {
        let word = self.word_on(call).unwrap_or_else(Word::Errno);
        self.send(call.id, &word);
    }

    fn send(&self, id: u64, word: &Word) {
        // Whoever was killed meanwhile needs no answer.
        let _ = match word {
            Word::Errno(errno) => watch::answer(self.calls.as_fd(), id, *errno),
            Word::LetThrough => watch::let_through(self.calls.as_fd(), id),
            Word::Later => Ok(()),
        };
    }

    fn word_on(&mut self, call: &Call) -> Result<Word, i32> {
        if self.watcher.is_some() {
            if wants::names_files(call) {
                return Ok(self.see_names(call));
            }
            if let Some(errno) = seccomp::refusal(call.number) {
                let name = seccomp::name_of(call.number);
                (self.tell)(News::Seen(Want::Call(name), Standing::Beyond));
                return Ok(Word::Errno(errno));
            }
        }
        let caller = Caller::of(call)?;
        let fd = call.arguments[0] as u32 as i32;
        let own = caller.socket(fd)?;
        let address = match call.number {
            libc::SYS_listen => Vec::new(),
            _ => caller.address(call.arguments[1], call.arguments[2])?,
        };
        let flags = caller.flags(fd);
        // All of this was read from a process by its number: only now is it sure whose it was.
        if !watch::is_waiting(self.calls.as_fd(), call.id) {
            return Ok(Word::Later);
        }
        match (call.number, Kind::of(own.as_fd())?) {
            (libc::SYS_connect, Kind::Stream { network, family }) => {
                let Place::Internet(at) = place::read(&address) else {
                    // To let go of a connection is of use to nobody who was given one.
                    return Ok(Word::Errno(libc::EAFNOSUPPORT));
                };
                let wanted = Wanted { id: call.id, fd, flags, own, network, family, address, at: plain(at) };
                Ok(self.connect(wanted))
            }
            (libc::SYS_connect, Kind::Local) => Ok(done(connect_local(&caller, own.as_fd(), &address))),
            (libc::SYS_connect, Kind::Other) => Ok(done(sockets::connect(own.as_fd(), &address))),
            (libc::SYS_bind, Kind::Stream { network, family }) => {
                let wanted = Bind { id: call.id, fd, flags, own, network, family, address };
                self.bind(&wanted).map(|()| Word::Errno(0))
            }
            (libc::SYS_bind, Kind::Local) => Ok(Word::LetThrough),
            (libc::SYS_bind, Kind::Other) => Ok(done(sockets::bind(own.as_fd(), &address))),
            (libc::SYS_listen, kind) => self.listen(&own, kind, call.arguments[1] as u32 as i32),
            _ => Ok(Word::Errno(libc::ENOSYS)),
        }
    }

    fn connect(&mut self, wanted: Wanted) -> Word {
        match self.book.permit(wanted.at) {
            Permit::Granted => {
                self.see_place(wanted.at);
                self.connect_outside(wanted).unwrap_or_else(Word::Errno)
            }
            Permit::Refused => self.connect_inside(&wanted),
            Permit::Undecided if self.waiting() >= WAITING_MAX => Word::Errno(libc::EAGAIN),
            Permit::Undecided => {
                self.parked.push(Parked { wanted, until: Instant::now() + NAMES_WITHIN });
                Word::Later
            }
        }
    }

    /// Tells of the files that a call names, and lets it go on.
    fn see_names(&mut self, call: &Call) -> Word {
        let names = wants::names_of(call);
        // They were read from a process by its number: only now is it sure whose they were.
        if !watch::is_waiting(self.calls.as_fd(), call.id) {
            return Word::Later;
        }
        for named in names {
            let seen = self.watcher.as_mut().and_then(|watcher| watcher.judge(&named));
            if let Some((want, standing)) = seen {
                (self.tell)(News::Seen(want, standing));
            }
        }
        Word::LetThrough
    }

    /// Tells of a place that is opened.
    fn see_place(&mut self, at: SocketAddr) {
        if self.watcher.is_none() {
            return;
        }
        let named = self.book.name_of(at).map(|name| format!("{name}:{}", at.port()));
        let want = Want::Net(named.unwrap_or_else(|| at.to_string()));
        (self.tell)(News::Seen(want, Standing::Granted));
    }

    fn waiting(&self) -> usize {
        self.pending.len() + self.parked.len()
    }

    /// What was not granted is refused, but for the child's own loopback, where it may talk to itself.
    fn connect_inside(&mut self, wanted: &Wanted) -> Word {
        let own = wanted.own.as_fd();
        let outcome = match wanted.network != self.outside && wanted.at.ip().is_loopback() {
            true => sockets::connect(own, &wanted.address),
            false => Err(libc::EACCES),
        };
        let is_refused = match outcome {
            Err(libc::EACCES | libc::ECONNREFUSED) => true,
            // On the loopback the answer is there at once.
            Err(libc::EINPROGRESS) => state(own) == Ok(CLOSED),
            _ => false,
        };
        if is_refused {
            self.refuse(Refusal::Connect(wanted.at));
        }
        done(outcome)
    }

    fn connect_outside(&mut self, wanted: Wanted) -> Result<Word, i32> {
        if wanted.network == self.outside
            && let Some(errno) = how_far(wanted.own.as_fd())?
        {
            return Ok(Word::Errno(errno));
        }
        let never_waits = fcntl_getfl(&wanted.own).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK));
        if !never_waits && self.waiting() >= WAITING_MAX {
            return Err(libc::EAGAIN);
        }
        let fresh = fresh(wanted.family, wanted.own.as_fd())?;
        match sockets::connect(fresh.as_fd(), &wanted.address) {
            Ok(()) if never_waits => {}
            Ok(()) => wait_again(&fresh)?,
            Err(libc::EINPROGRESS) if never_waits => {
                self.note_connection(&fresh, wanted.at);
                self.put(wanted.id, &fresh, wanted.fd, wanted.flags)?;
                return Err(libc::EINPROGRESS);
            }
            Err(libc::EINPROGRESS) => {
                let until = Instant::now() + CONNECT_WITHIN;
                let Wanted { id, fd, flags, at, .. } = wanted;
                self.pending.push(Pending { id, fd, flags, socket: fresh, at, until });
                return Ok(Word::Later);
            }
            Err(errno) => return Err(errno),
        }
        self.note_connection(&fresh, wanted.at);
        self.put(wanted.id, &fresh, wanted.fd, wanted.flags)?;
        Ok(Word::Errno(0))
    }

    fn note_connection(&mut self, socket: &OwnedFd, at: SocketAddr) {
        let names = self.book.names_of(at);
        self.opened.note(socket.as_fd(), at, names, Use::Connection);
    }

    fn put(&self, id: u64, socket: &OwnedFd, fd: i32, flags: i32) -> Result<(), i32> {
        watch::put_in_place(self.calls.as_fd(), id, socket.as_fd(), fd, flags)
    }

    fn bind(&mut self, wanted: &Bind) -> Result<(), i32> {
        let is_inside = wanted.network != self.outside;
        let at = match place::read(&wanted.address) {
            Place::Internet(at) => at,
            _ if is_inside => return sockets::bind(wanted.own.as_fd(), &wanted.address),
            _ => return Err(libc::EAFNOSUPPORT),
        };
        if at.port() == 0 && is_inside {
            return sockets::bind(wanted.own.as_fd(), &wanted.address);
        }
        if !self.book.allows_listening(at) {
            self.refuse(Refusal::Listen(at));
            return Err(libc::EACCES);
        }
        self.see_place(at);
        let fresh = fresh(wanted.family, wanted.own.as_fd())?;
        sockets::bind(fresh.as_fd(), &wanted.address)?;
        if !fcntl_getfl(&wanted.own).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK)) {
            wait_again(&fresh)?;
        }
        self.opened.note(fresh.as_fd(), at, Vec::new(), Use::Listener);
        self.put(wanted.id, &fresh, wanted.fd, wanted.flags)
    }

    /// Done by us on the caller's socket, whose address is judged again.
    fn listen(&mut self, own: &OwnedFd, kind: Kind, backlog: i32) -> Result<Word, i32> {
        if let Kind::Stream { network, .. } = kind
            && network == self.outside
        {
            let address = sockets::own_address(own.as_fd())?;
            match place::read(&address) {
                // Noted once more: a socket that is only bound is in no list of the system's, and may have been forgotten.
                Place::Internet(at) if self.book.allows_listening(at) => {
                    self.opened.note(own.as_fd(), at, Vec::new(), Use::Listener);
                }
                Place::Internet(at) => {
                    self.refuse(Refusal::Listen(at));
                    return Err(libc::EACCES);
                }
                _ => return Err(libc::EACCES),
            }
        }
        Ok(done(sockets::listen(own.as_fd(), backlog)))
    }

    /// Connections that came to their end: `seen` is what was seen of each, in their order.
    pub(super) fn finish_connections(&mut self, seen: &[PollFlags]) {
        let mut seen = seen.iter();
        for one in std::mem::take(&mut self.pending) {
            if seen.next().is_none_or(|seen| seen.is_empty()) {
                self.pending.push(one);
                continue;
            }
            let errno =
                number_of(one.socket.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR).unwrap_or_else(|errno| errno);
            let outcome = match errno {
                0 => {
                    self.note_connection(&one.socket, one.at);
                    wait_again(&one.socket).and_then(|()| self.put(one.id, &one.socket, one.fd, one.flags))
                }
                errno => Err(errno),
            };
            self.send(one.id, &done(outcome));
        }
    }

    /// Names were found: calls that waited for them are decided anew.
    pub(super) fn take_up_parked(&mut self) {
        for one in std::mem::take(&mut self.parked) {
            let id = one.wanted.id;
            let until = one.until;
            let word = self.connect(one.wanted);
            if let (Word::Later, Some(again)) =
                (&word, self.parked.last_mut().filter(|again| again.wanted.id == id))
            {
                again.until = until;
            }
            self.send(id, &word);
        }
    }

    /// Connections under way to places that are granted no more.
    pub(super) fn give_up_refused(&mut self) {
        for one in std::mem::take(&mut self.pending) {
            match self.book.permit(one.at) {
                Permit::Granted => self.pending.push(one),
                Permit::Refused | Permit::Undecided => {
                    self.refuse(Refusal::Connect(one.at));
                    self.send(one.id, &Word::Errno(libc::EACCES));
                }
            }
        }
    }

    /// What has waited for too long, or whose caller is gone, waits no longer.
    pub(super) fn give_up_late(&mut self) {
        let now = Instant::now();
        let mut late = Vec::new();
        let calls = self.calls.as_fd();
        let mut stays = |id, until| {
            let is_late = until <= now;
            if is_late {
                late.push(id);
            }
            !is_late && watch::is_waiting(calls, id)
        };
        self.pending.retain(|one| stays(one.id, one.until));
        self.parked.retain(|one| stays(one.wanted.id, one.until));
        for id in late {
            self.send(id, &Word::Errno(libc::ETIMEDOUT));
        }
    }
}

/// A stream that is to have an address.
struct Bind {
    id: u64,
    fd: i32,
    flags: i32,
    own: OwnedFd,
    network: u64,
    family: AddressFamily,
    address: Vec<u8>,
}

/// A new stream of our network that does not wait, with the options of the old one.
fn fresh(family: AddressFamily, old: BorrowedFd<'_>) -> Result<OwnedFd, i32> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fresh = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP));
    let fresh = fresh.map_err(|errno| errno.raw_os_error())?;
    let mut options = OPTIONS.to_vec();
    if family == AddressFamily::INET6 {
        options.push((libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 4));
    }
    for (level, name, bytes) in options {
        let mut value = [0; OPTION_BYTES_MAX];
        // What can't be carried over makes no difference to where it leads.
        if let Ok(filled) = sockets::option(old, level, name, &mut value[..bytes]) {
            let _ = sockets::set_option(fresh.as_fd(), level, name, &value[..filled.min(bytes)]);
        }
    }
    Ok(fresh)
}

/// The longest of them: a time.
const OPTION_BYTES_MAX: usize = 16;

/// What programs set before they connect or listen, with the bytes of each.
const OPTIONS: [(i32, i32, usize); 12] = [
    (libc::SOL_SOCKET, libc::SO_REUSEADDR, 4),
    (libc::SOL_SOCKET, libc::SO_REUSEPORT, 4),
    (libc::SOL_SOCKET, libc::SO_KEEPALIVE, 4),
    (libc::SOL_SOCKET, libc::SO_LINGER, 8),
    (libc::SOL_SOCKET, libc::SO_RCVTIMEO, 16),
    (libc::SOL_SOCKET, libc::SO_SNDTIMEO, 16),
    (libc::IPPROTO_TCP, libc::TCP_NODELAY, 4),
    (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 4),
    (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 4),
    (libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 4),
    (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, 4),
    (libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, 4),
];

fn wait_again(socket: &OwnedFd) -> Result<(), i32> {
    fcntl_setfl(socket, OFlags::empty()).map_err(|errno| errno.raw_os_error())
}

/// States of a connection, as the kernel numbers them.
const ON_THE_WAY: u8 = 2;
const CLOSED: u8 = 7;

/// The first byte of what the kernel tells of a connection.
fn state(socket: BorrowedFd<'_>) -> Result<u8, i32> {
    let mut info = [0; 1];
    sockets::option(socket, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info)?;
    Ok(info[0])
}

/// How far a stream has come that was opened outside before; nothing when it may be connected anew.
fn how_far(socket: BorrowedFd<'_>) -> Result<Option<i32>, i32> {
    Ok(match state(socket)? {
        ON_THE_WAY => Some(libc::EALREADY),
        CLOSED => {
            let failed = number_of(socket, libc::SOL_SOCKET, libc::SO_ERROR)?;
            (failed != 0).then_some(failed)
        }
        _ => Some(libc::EISCONN),
    })
}

/// Connects a local socket to what its caller means by an address: names lead nowhere but in its own root.
fn connect_local(caller: &Caller, own: BorrowedFd<'_>, address: &[u8]) -> Result<(), i32> {
    let Place::File(path) = place::read(address) else { return sockets::connect(own, address) };
    let number = |errno: rustix::io::Errno| errno.raw_os_error();
    // A relative path may not climb: what is above the working folder can't be told from what is outside of the root.
    let (folder, held) = match path.is_absolute() {
        true => (caller.folder("root")?, ResolveFlags::IN_ROOT),
        false => (caller.folder("cwd")?, ResolveFlags::BENEATH),
    };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let held = held | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(&folder, path, flags, Mode::empty(), held).map_err(number)?;
    let name = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let address = SocketAddrUnix::new(Path::new(&name)).map_err(number)?;
    rustix::net::connect(own, &address).map_err(number)
}
