//! A window of low descriptor numbers that launches use, so that a child is born with a small table.
//!
//! A child's table is a copy of ours, and what is in it has to be closed again when its program starts. With three
//! descriptors a module that made a launch dearer with every module that ran already. A child that finds all it needs
//! below a fixed number takes a table of its own that ends there: what lies above is neither copied nor closed.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::{DupFlags, dup3, fcntl_dupfd_cloexec};

use super::EXTRA_FDS_MAX;
use crate::raw;

/// 40: above what a process holds when it has just begun, below what it opens later.
const FIRST: RawFd = 40;

/// 19 places: three for input and output, one for the Landlock rules, one for joining a group, one for the first process's program,
/// one for where word of its calls goes, the rest handed over.
const PLACES: usize = EXTRA + EXTRA_FDS_MAX;

/// What the places before the handed over ones are for.
const RULESET: usize = 3;
const JOIN: usize = 4;
const INIT: usize = 5;
const WATCH: usize = 6;
const EXTRA: usize = 7;

/// The window. Made early, while its numbers are free, and used by one launch at a time.
#[derive(Debug)]
pub struct Berths {
    /// What a place holds while nobody uses it.
    empty: OwnedFd,
    places: Vec<OwnedFd>,
    /// Where children take their steps: one for all, so that its pages are there already.
    stack: raw::Stack,
}

/// What one launch needs, at its places.
pub(super) struct Moored<'a> {
    empty: &'a OwnedFd,
    places: &'a mut Vec<OwnedFd>,
}

impl Berths {
    /// Takes the numbers of the window.
    ///
    /// # Errors
    /// `AlreadyExists` when one of them is in use: launches then work as before, only dearer. Others as the system says.
    pub fn reserve() -> io::Result<Self> {
        let empty = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let mut places = Vec::with_capacity(PLACES);
        for number in (FIRST..).take(PLACES) {
            let place = fcntl_dupfd_cloexec(&empty, number)?;
            if place.as_raw_fd() != number {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            places.push(place);
        }
        Ok(Self { empty, places, stack: raw::Stack::new()? })
    }

    /// The number at which a child's own table may end.
    pub(super) fn end() -> RawFd {
        FIRST + RawFd::try_from(PLACES).expect("19 places")
    }

    /// Puts everything at its place until the value is dropped; and the stack. `fixed` are the Landlock rules, what a group is
    /// joined by, the first process's program, and where word of its calls goes.
    pub(super) fn moor(
        &mut self,
        stdio: [BorrowedFd<'_>; 3],
        fixed: [Option<BorrowedFd<'_>>; 4],
        extra: &[OwnedFd],
    ) -> io::Result<(Moored<'_>, &mut raw::Stack)> {
        let moored = Moored { empty: &self.empty, places: &mut self.places };
        let fixed = stdio.into_iter().map(Some).chain(fixed);
        let handed_over = extra.iter().map(|fd| Some(fd.as_fd()));
        for (place, fd) in moored.places.iter_mut().zip(fixed.chain(handed_over)) {
            if let Some(fd) = fd {
                dup3(fd, place, DupFlags::CLOEXEC)?;
            }
        }
        Ok((moored, &mut self.stack))
    }
}

impl Moored<'_> {
    pub(super) fn stdio(&self) -> [BorrowedFd<'_>; 3] {
        [self.at(0), self.at(1), self.at(2)]
    }

    pub(super) fn ruleset(&self) -> BorrowedFd<'_> {
        self.at(RULESET)
    }

    pub(super) fn join(&self) -> BorrowedFd<'_> {
        self.at(JOIN)
    }

    pub(super) fn init(&self) -> BorrowedFd<'_> {
        self.at(INIT)
    }

    pub(super) fn watch(&self) -> BorrowedFd<'_> {
        self.at(WATCH)
    }

    pub(super) fn extra(&self, count: usize) -> &[OwnedFd] {
        &self.places[EXTRA..EXTRA + count]
    }

    fn at(&self, place: usize) -> BorrowedFd<'_> {
        self.places[place].as_fd()
    }
}

impl Drop for Moored<'_> {
    /// The child's ends of its pipes may not stay open here, or their other ends would never see the end.
    fn drop(&mut self) {
        for place in self.places.iter_mut() {
            // Both are open, and the limit on open files is not asked for a number that is in use already.
            let _ = dup3(self.empty, place, DupFlags::CLOEXEC);
        }
    }
}
