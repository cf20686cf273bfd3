//! Whether a child can really move in: some machines give no namespace of a kind, and some give all of them and refuse a view of
//! processes in them.
//!
//! What a life makes for itself is made here once before, so that a machine that does not give it is told of when the launch is
//! prepared. Only a yes is kept: a no may be for want of something that comes back.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use abi::ExitKind;

use super::{House, Refused, Works, first};
use crate::confinement::Confinement;
use crate::launch::{Apart, Last, Recipe, lifted};
use crate::layer::Layer;
use crate::raw;
use crate::reap;

/// Makes each of these namespaces for a moment, unless that has succeeded before.
///
/// # Errors
/// The first that is not given.
pub(super) fn each(
    namespaces: impl Iterator<Item = (Layer, i32)>,
    user: Option<BorrowedFd<'_>>,
    stack: &mut raw::Stack,
) -> Result<(), Refused> {
    /// Flags of those that were given: without the user namespace of modules, and with it.
    static GIVEN: [AtomicI32; 2] = [AtomicI32::new(0), AtomicI32::new(0)];
    let given = &GIVEN[usize::from(user.is_some())];
    for (layer, flag) in namespaces {
        if given.load(Ordering::Relaxed) & flag != 0 {
            continue;
        }
        let works = Works { user, try_out: flag, ..Works::default() };
        match raw::spawn_builder(&works, stack) {
            Ok(None) => given.fetch_or(flag, Ordering::Relaxed),
            Ok(Some(failure)) => return Err((layer, super::told("the namespace is not given", failure))),
            Err(error) => return Err((layer, format!("no builder: {error}"))),
        };
    }
    Ok(())
}

/// Lets a child that does nothing move in. Tried once: the answer depends on the machine alone.
///
/// # Errors
/// Why it can't.
pub(super) fn move_in(house: &House, stack: &mut raw::Stack) -> Result<(), String> {
    static TRIED: OnceLock<Result<(), String>> = OnceLock::new();
    TRIED.get_or_init(|| try_out(house, stack)).clone()
}

fn try_out(house: &House, stack: &mut raw::Stack) -> Result<(), String> {
    let null = std::fs::File::open("/dev/null").map_err(|error| error.to_string())?;
    let null = lifted(null.into()).map_err(|error| error.to_string())?;
    let argv = first::words();
    let recipe = Recipe {
        table_end: None,
        stdio: [null.as_fd(); 3],
        extra_fds: &[],
        join: None,
        apart: Apart::Session,
        spaces: house.spaces(None, &argv),
        cwd: None,
        umask: Confinement::UMASK,
        rlimits: &[],
        no_new_privs: true,
        ruleset: None,
        filter: &[],
        watch: None,
        capabilities: Some(0),
        last: Last::Act(|| 0),
    };
    let family = raw::spawn(&recipe, None, stack).map_err(|error| format!("no child: {error}"))?;
    let end = reap::wait(family.born.pidfd.as_fd());
    if let Some(init) = family.init {
        let _ = raw::pidfd_signal(init.as_fd(), libc::SIGKILL);
        let _ = reap::wait(init.as_fd());
    }
    match (family.born.failure, end) {
        (Some(failure), _) => {
            Err(super::told(&format!("the child could not {}", failure.step.as_str()), failure))
        }
        // Another thread that reaps strangers may have been quicker: then it has ended, and without a failure.
        (None, Ok(Some(ExitKind::Code(0))) | Err(_)) => Ok(()),
        (None, Ok(end)) => Err(format!("the child ended in an unexpected way: {end:?}")),
    }
}
