//! What the child does between its birth and its program: the steps in order, each reported by number when it fails.
//!
//! Protocol: the child runs on a stack of its own in our memory while the launching thread stands still. All our other threads
//! run on, so the child may not allocate (another thread may hold the allocator's lock), may not panic (that
//! allocates) and may not touch anything that is not in its [`Recipe`]. It only makes system calls and stores one number.

use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicU64, Ordering};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::nanny::{be_init, be_nanny};
use super::{Apart, Step};
use crate::house::{build, found};
use crate::raw::{self, Bound, Cradle, Failure, Role, Strings};

/// What the child does after all steps.
pub(crate) enum Last<'a> {
    /// It becomes this program.
    Exec { program: &'a CStr, argv: &'a Strings<'a>, env: &'a Strings<'a> },
    /// It does this and ends with what it returns, 0 to 255. For probes; the same rules hold as for the steps.
    Act(fn() -> u8),
}

/// Everything that the child needs, made before its birth.
pub(crate) struct Recipe<'a> {
    /// It is born sharing our table of descriptors, and first takes one of its own that ends before this number; all
    /// that it needs lies below. Without it, it is born with a copy of ours.
    pub(crate) table_end: Option<i32>,
    /// Its descriptors 0, 1 and 2; all at or above [`super::FDS_FROM`], as the next ones.
    pub(crate) stdio: [BorrowedFd<'a>; 3],
    /// Its descriptors from 3 on.
    pub(crate) extra_fds: &'a [OwnedFd],
    /// Its group's list of members, for a system that can't put it there at birth.
    pub(crate) join: Option<BorrowedFd<'a>>,
    pub(crate) apart: Apart,
    /// Without them it stays in ours.
    pub(crate) spaces: Option<Spaces<'a>>,
    pub(crate) cwd: Option<&'a CStr>,
    pub(crate) umask: u32,
    pub(crate) rlimits: &'a [Bound],
    pub(crate) no_new_privs: bool,
    pub(crate) ruleset: Option<BorrowedFd<'a>>,
    pub(crate) filter: &'a [libc::sock_filter],
    /// Where it sends the descriptor at which the calls that its filter watches are answered.
    pub(crate) watch: Option<BorrowedFd<'a>>,
    /// The capabilities that it may keep at the most; all that it has when nothing is said.
    pub(crate) capabilities: Option<u32>,
    pub(crate) last: Last<'a>,
}

/// The namespaces that a child is put into: those that are there are joined, the rest is made.
#[derive(Clone, Copy)]
pub(crate) struct Spaces<'a> {
    pub(crate) user: Option<BorrowedFd<'a>>,
    pub(crate) mounts: Option<BorrowedFd<'a>>,
    pub(crate) net: Option<BorrowedFd<'a>>,
    /// Whether an empty network is made, for this life and those that come after it. Only a nanny can.
    pub(crate) makes_net: bool,
    /// Made anew for every life: the flags of `unshare`.
    pub(crate) own: c_int,
    /// The first process of its pid namespace, when that is among the new ones.
    pub(crate) init: Option<Init<'a>>,
}

/// What the first process of a pid namespace runs.
#[derive(Clone, Copy)]
pub(crate) struct Init<'a> {
    /// At or above [`super::FDS_FROM`], as all that is needed in the child.
    pub(crate) program: BorrowedFd<'a>,
    pub(crate) argv: &'a Strings<'a>,
}

/// Where a child leaves word of the step that failed; zero means that none did.
#[derive(Debug, Default)]
pub(crate) struct Word(AtomicU64);

impl Word {
    pub(crate) fn leave(&self, failure: Failure) {
        let word = (u64::from(failure.which) << 48)
            | (u64::from(failure.step as u8) << 32)
            | u64::from(failure.errno.cast_unsigned());
        self.0.store(word, Ordering::Release);
    }

    /// The failed step with its errno.
    pub(crate) fn read(&self) -> Option<Failure> {
        let word = self.0.load(Ordering::Acquire);
        let step = Step::ALL.into_iter().find(|step| u64::from(*step as u8) == (word >> 32) & 0xff)?;
        let errno = u32::try_from(word & u64::from(u32::MAX)).expect("masked to 32 bits").cast_signed();
        let which = u16::try_from(word >> 48).expect("16 bits are left");
        Some(Failure { step, errno, which })
    }
}

impl Failure {
    /// What turns an errno into a failure of this step.
    pub(crate) fn at(step: Step) -> impl FnOnce(i32) -> Self {
        move |errno| Self { step, errno, which: 0 }
    }
}

/// A number that no program's own end means: the launcher reads [`Word`], so it is only for people with a tracer.
const GAVE_UP: u8 = 127;

/// A process's whole life before its program. Ends the process when a step fails.
pub(crate) fn live(cradle: &Cradle<'_>) -> ! {
    let outcome = match cradle.role {
        Role::Child(recipe) => steps(recipe, cradle),
        Role::Nanny(recipe, nursery) => be_nanny(recipe, nursery, cradle),
        Role::Init(recipe) => be_init(recipe, cradle),
        Role::Builder(works) => build(works, cradle.parent),
        Role::Founder(founding) => found(founding, cradle.parent),
    };
    let code = outcome.unwrap_or_else(|failure| {
        cradle.word.leave(failure);
        GAVE_UP
    });
    raw::exit_now(code)
}

/// The child's steps, and what an act returned if that is the last one.
fn steps(recipe: &Recipe<'_>, cradle: &Cradle<'_>) -> Result<u8, Failure> {
    let at = Failure::at;
    if let Some(spaces) = recipe.spaces.as_ref().filter(|spaces| spaces.init.is_none()) {
        // Without a nanny it goes there by itself.
        enter(spaces).map_err(at(Step::Namespaces))?;
    }
    if let Some(end) = recipe.table_end {
        // Before anything that changes a descriptor: until then the table is shared with all our threads.
        raw::own_table(end).map_err(at(Step::OwnTable))?;
    }
    match recipe.apart {
        Apart::Session => raw::new_session().map_err(at(Step::Apart))?,
        Apart::Group => raw::new_group().map_err(at(Step::Apart))?,
    }
    raw::default_dispositions();
    raw::die_with_parent(cradle.parent).map_err(at(Step::Parent))?;
    if let Some(procs) = cradle.join {
        raw::write_zero(procs).map_err(at(Step::Cgroup))?;
    }
    let mut number = 0;
    for fd in
        recipe.stdio.iter().map(AsRawFd::as_raw_fd).chain(recipe.extra_fds.iter().map(AsRawFd::as_raw_fd))
    {
        raw::put_at(fd, number).map_err(at(Step::Stdio))?;
        number += 1;
    }
    raw::close_at_exec_from(number).map_err(at(Step::CloseFds))?;
    if let Some(cwd) = recipe.cwd {
        raw::enter_folder(cwd).map_err(at(Step::Folder))?;
    }
    hold(recipe)?;
    match &recipe.last {
        Last::Exec { program, argv, env } => {
            // Last of all, so that a signal that waits ends the child by the default action and not in the middle of a step.
            raw::empty_signal_mask().map_err(at(Step::SignalMask))?;
            let exec = if recipe.watch.is_some() { raw::exec_unwatched } else { raw::exec };
            Err(at(Step::Exec)(exec(program, argv, env)))
        }
        Last::Act(act) => Ok(act()),
    }
}

/// The confinement, from what leaves most free to what leaves least, so that no step is refused by one before it.
fn hold(recipe: &Recipe<'_>) -> Result<(), Failure> {
    let at = Failure::at;
    raw::set_umask(recipe.umask);
    for bound in recipe.rlimits {
        raw::set_bound(bound).map_err(at(Step::Rlimits))?;
    }
    if recipe.no_new_privs {
        raw::no_new_privs().map_err(at(Step::NoNewPrivs))?;
    }
    if let Some(ruleset) = recipe.ruleset {
        raw::enter_landlock(ruleset).map_err(at(Step::Landlock))?;
    }
    match recipe.watch {
        Some(to) => {
            let listener = raw::watch::install_watched_filter(recipe.filter).map_err(at(Step::Seccomp))?;
            raw::watch::hand_over(to, listener).map_err(at(Step::Watch))?;
        }
        None if recipe.filter.is_empty() => {}
        None => raw::install_filter(recipe.filter).map_err(at(Step::Seccomp))?,
    }
    if let Some(kept) = recipe.capabilities {
        // After the filter, which without `no_new_privs` needs one of them.
        raw::drop_capabilities(kept).map_err(at(Step::Capabilities))?;
    }
    Ok(())
}

/// Into the namespaces: first that of users, which gives the rights over the others.
pub(super) fn enter(spaces: &Spaces<'_>) -> Result<(), i32> {
    let joined = [
        (spaces.user, libc::CLONE_NEWUSER),
        (spaces.mounts, libc::CLONE_NEWNS),
        (spaces.net, libc::CLONE_NEWNET),
    ];
    for (fd, kind) in joined {
        if let Some(fd) = fd {
            raw::join_namespace(fd, kind)?;
        }
    }
    if spaces.own != 0 {
        raw::own_namespaces(spaces.own)?;
    }
    if spaces.own & libc::CLONE_NEWNS != 0 && spaces.mounts.is_none() {
        // A copy of the machine's own mounts: what is mounted here must not appear there.
        raw::keep_mounts_private()?;
    }
    Ok(())
}
