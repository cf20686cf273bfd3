//! Answers a child's calls to the network: each place that its `net` names is opened here, outside, and put into the child's hands.
//!
//! The child's own network is empty (`house::network`). Of the calls by which a socket comes to lead somewhere, three wait for an answer:
//!
//! | call | on an internet stream | on anything else |
//! |---|---|---|
//! | `connect` | a granted place: a new socket, connected outside, in the place of the child's; its own loopback: done inside; else `EACCES` | done on the child's own socket, inside |
//! | `bind` | a granted address: a new socket, bound outside; port 0: done inside; else `EACCES` | done inside |
//! | `listen` | bound outside: only at a granted address; else inside | done inside |
//!
//! Names are answered at port 53 of every address of the child's network: what the machine resolves for those that are granted, and that
//! there is no such name for all others, so that no question leaves the machine that was not meant to.
//!
//! # Why it holds
//! - What is not opened here leads nowhere: a forgotten call, a program that does not ask, and the death of whoever runs this end in an
//!   empty network or in an error.
//! - An address is read from the child's memory once, and that copy is judged and acted upon; nothing the child does to its memory or its
//!   descriptors meanwhile changes what is opened. `connect` and `listen` are never let through to the child's own kernel call.
//!   `bind` is for local sockets, where a change of mind can bind a port at most; listening there is judged again.
//! - A name is no way around its address: of what names resolve to, this machine's own addresses do not count (`reach::is_elsewhere`).
//! - One child's flood delays that child alone: one thread serves one life, everything it keeps is bounded, and it takes up calls at
//!   a bounded rate while the child's threads wait.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::launch::Watched;
use crate::raw::watch;

mod book;
mod caller;
mod calls;
mod leash;
mod opened;
mod place;
mod question;
#[cfg(test)]
mod tests;
mod wants;

use book::{Book, Lookup};
use calls::{Parked, Pending};
use leash::Change;
pub use leash::{Leash, NotTaken, Reins};
use opened::Opened;
use question::Question;
use wants::Watcher;
pub use wants::{Grounds, Manner, Standing, Want, Whose};

/// 1 s: how long a thread sleeps at most when nothing happens, so that what ran out is noticed.
const TURN: Duration = Duration::from_secs(1);

/// 2,000 calls a second are taken up; a program that opens more has to wait.
const CALLS_MAX: u32 = 2_000;

/// 50,000 calls a second of a child that is observed, whose every file is a call.
const CALLS_OBSERVED_MAX: u32 = 50_000;

/// The time for which [`CALLS_MAX`] counts.
const CALLS_WITHIN: Duration = Duration::from_secs(1);

/// 64 questions wait for their names; more are dropped, as networks do, and asked again.
const QUESTIONS_MAX: usize = 64;

/// Something that a child wanted and was not granted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// To connect there.
    Connect(SocketAddr),
    /// To listen there.
    Listen(SocketAddr),
    /// To know the addresses of this host.
    Name(String),
}

impl Refusal {
    /// The `net` value that would have allowed it.
    pub fn grant(&self) -> String {
        match self {
            Self::Connect(at) | Self::Listen(at) => at.to_string(),
            Self::Name(name) => name.clone(),
        }
    }

    /// What it wanted, in a word: `connect`, `listen`, `resolve`.
    pub fn act(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Listen(_) => "listen",
            Self::Name(_) => "resolve",
        }
    }
}

/// Answers until the child and all that it started have ended. Takes a thread for itself, which may stand still for as long as the child
/// makes it; `tell` hears of every refusal, however many there are.
///
/// # Errors
/// What keeps it from answering at all. The child has no network from then on.
pub fn serve(watched: Watched, leash: impl Into<Leash>, mut tell: impl FnMut(Refusal)) -> io::Result<()> {
    let tell = |news| match news {
        News::Refused(refusal) => tell(refusal),
        News::Seen(..) => {}
    };
    Desk::new(watched, leash.into(), None, tell)?.serve()
}

/// The same for a child of [`crate::Request::to_observed`]: `tell` hears of everything that it wants, as often as it does.
///
/// # Errors
/// As [`serve`].
pub fn observe(
    watched: Watched,
    leash: impl Into<Leash>,
    grounds: Grounds,
    mut tell: impl FnMut(Want, Standing),
) -> io::Result<()> {
    let watcher = Watcher::new(grounds.manner, grounds.rules);
    let tell = |news| match news {
        News::Refused(refusal) => tell(Want::Net(refusal.grant()), Standing::Beyond),
        News::Seen(want, standing) => tell(want, standing),
    };
    Desk::new(watched, leash.into(), Some(watcher), tell)?.serve()
}

/// What a desk tells.
#[derive(Debug)]
enum News {
    Refused(Refusal),
    /// By a desk that has a watcher.
    Seen(Want, Standing),
}

/// Everything of one life.
struct Desk<T> {
    calls: OwnedFd,
    names: OwnedFd,
    book: Book,
    /// Another reach, when somebody wishes it.
    changes: Option<(Arc<OwnedFd>, Receiver<Change>)>,
    /// What was opened outside.
    opened: Opened,
    /// The network that we are in, by its number.
    outside: u64,
    /// Connections that are being made, for callers that wait for them.
    pending: Vec<Pending>,
    /// Calls that wait for a name.
    parked: Vec<Parked>,
    questions: Vec<Question>,
    /// For a child that is observed.
    watcher: Option<Watcher>,
    taken: u32,
    taken_since: Instant,
    tell: T,
}

/// Whether the child still lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    GoesOn,
    Over,
}

impl<T: FnMut(News)> Desk<T> {
    fn new(watched: Watched, leash: Leash, watcher: Option<Watcher>, tell: T) -> io::Result<Self> {
        Ok(Self {
            calls: watched.calls,
            names: watched.names,
            book: Book::new(leash.reach, book::system)?,
            changes: leash.changes,
            opened: Opened::default(),
            outside: caller::own_network()?,
            pending: Vec::new(),
            parked: Vec::new(),
            questions: Vec::new(),
            watcher,
            taken: 0,
            taken_since: Instant::now(),
            tell,
        })
    }

    fn serve(mut self) -> io::Result<()> {
        while self.turn()? == Life::GoesOn {}
        Ok(())
    }

    fn turn(&mut self) -> io::Result<Life> {
        // Before anything else is answered, so that what is granted no more is not opened any more.
        self.take_changes();
        let now = Instant::now();
        if now.duration_since(self.taken_since) >= CALLS_WITHIN {
            (self.taken, self.taken_since) = (0, now);
        }
        let most = if self.watcher.is_some() { CALLS_OBSERVED_MAX } else { CALLS_MAX };
        let calls = if self.taken < most { PollFlags::IN } else { PollFlags::empty() };
        let mut fds = vec![
            PollFd::new(&self.calls, calls),
            PollFd::new(&self.names, PollFlags::IN),
            PollFd::new(self.book.bell(), PollFlags::IN),
        ];
        fds.extend(
            self.pending.iter().map(|one| PollFd::from_borrowed_fd(one.socket.as_fd(), PollFlags::OUT)),
        );
        let waiting = fds.len();
        fds.extend(self.changes.iter().map(|(bell, _)| PollFd::new(bell, PollFlags::IN)));
        let wait = if calls.is_empty() { CALLS_WITHIN / 10 } else { TURN };
        let wait = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() };
        match poll(&mut fds, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let seen: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        drop(fds);
        if seen.get(waiting).is_some_and(|bell| bell.contains(PollFlags::IN)) {
            self.take_changes();
            // Which connections wait may be another matter now; they are looked at in the next turn.
            return Ok(Life::GoesOn);
        }
        self.finish_connections(&seen[3..waiting]);
        if seen[2].contains(PollFlags::IN) {
            self.take_lookups();
        }
        self.give_up_late();
        if seen[1].contains(PollFlags::IN) {
            self.take_question();
        }
        if seen[0].contains(PollFlags::IN) {
            self.take_call()?;
        } else if seen[0].intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Ok(Life::Over);
        }
        Ok(Life::GoesOn)
    }

    fn take_call(&mut self) -> io::Result<()> {
        self.taken += 1;
        match watch::next_call(self.calls.as_fd()) {
            Ok(call) => {
                self.answer(&call);
                Ok(())
            }
            // Its caller was killed, or we were disturbed.
            Err(libc::ENOENT | libc::EINTR) => Ok(()),
            Err(errno) => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Somebody wishes another reach: it holds from here on, for what waits for an answer too.
    fn take_changes(&mut self) {
        let Some((bell, changes)) = &self.changes else { return };
        // It counts what was rung for; nothing is lost when it was read before.
        let _ = rustix::io::read(bell, &mut [0; 8]);
        let changes: Vec<Change> = changes.try_iter().collect();
        for Change { reach, answer } in changes {
            self.book.change_reach(reach);
            self.take_up_parked();
            self.give_up_refused();
            for question in std::mem::take(&mut self.questions) {
                match self.book.knows(question.name()) {
                    true => self.questions.push(question),
                    false => question.deny(self.names.as_fd()),
                }
            }
            answer(self.opened.beyond(self.book.reach()));
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        (self.tell)(News::Refused(refusal));
    }

    fn take_question(&mut self) {
        let Some(question) = Question::take(self.names.as_fd()) else { return };
        if question.is_for_here() {
            return question.answer(self.names.as_fd(), &book::HERE);
        }
        if !self.book.knows(question.name()) {
            question.deny(self.names.as_fd());
            return self.refuse(Refusal::Name(question.name().to_owned()));
        }
        match self.book.look_up(question.name()) {
            Lookup::Known(addresses) => question.answer(self.names.as_fd(), &addresses),
            Lookup::Failed => question.fail(self.names.as_fd()),
            Lookup::UnderWay if self.questions.len() < QUESTIONS_MAX => self.questions.push(question),
            Lookup::UnderWay => {}
        }
    }

    /// Names have been looked up: what waited for them goes on.
    fn take_lookups(&mut self) {
        self.book.take_found();
        for question in std::mem::take(&mut self.questions) {
            match self.book.look_up(question.name()) {
                Lookup::Known(addresses) => question.answer(self.names.as_fd(), &addresses),
                Lookup::Failed => question.fail(self.names.as_fd()),
                Lookup::UnderWay => self.questions.push(question),
            }
        }
        self.take_up_parked();
    }
}
