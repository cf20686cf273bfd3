//! The ends of children: a module's own by its pidfd, and those of grandchildren that were left to us, never mixed up.

use std::fs;
use std::io;
use std::os::fd::BorrowedFd;

use abi::ExitKind;
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitIdStatus, set_child_subreaper, waitid};

use crate::raw;

/// 4,096 adopted children are looked at in one call; the rest come with the next.
const ADOPTED_MAX: usize = 4096;

/// Makes this process the parent of every orphan below it, so that none escapes to the system's first process unseen.
///
/// # Errors
/// The system's own; Linux has no reason to refuse.
pub fn become_subreaper() -> io::Result<()> {
    Ok(set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Takes the end of a launched child without waiting: `None` while it still runs.
///
/// # Errors
/// `ECHILD` when it was reaped before or is not this process's child; it has no end to give any more.
pub fn reap(pidfd: BorrowedFd<'_>) -> io::Result<Option<ExitKind>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let status = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd), options))?;
    Ok(status.as_ref().and_then(exit_kind))
}

/// Waits for the end of a child that is about to end by itself.
pub(crate) fn wait(pidfd: BorrowedFd<'_>) -> io::Result<Option<ExitKind>> {
    let status = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED))?;
    Ok(status.as_ref().and_then(exit_kind))
}

/// Takes the end of one adopted child, never of one for which `is_ours` holds: those have pidfds, and [`reap`] takes their ends.
/// `None` when no adopted child has ended. Call it until then after each SIGCHLD.
pub fn reap_any_orphan(is_ours: impl Fn(u32) -> bool) -> Option<(u32, ExitKind)> {
    let first = raw::peek_ended()?;
    if !is_ours(first)
        && let Some(kind) = take(first)
    {
        return Some((first, kind));
    }
    // A module's own end stands first in line and hides those behind it.
    let adopted = children().into_iter().filter(|pid| !is_ours(*pid));
    adopted.take(ADOPTED_MAX).find_map(|pid| take(pid).map(|kind| (pid, kind)))
}

fn take(pid: u32) -> Option<ExitKind> {
    let pid = Pid::from_raw(pid.cast_signed())?;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let status: Result<_, Errno> = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options));
    status.ok()?.as_ref().and_then(exit_kind)
}

/// The numbers of all children of all our threads. A thread that ends meanwhile has handed its children on.
fn children() -> Vec<u32> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let mut pids = Vec::new();
    for list in lists {
        pids.extend(list.split_ascii_whitespace().filter_map(|word| word.parse::<u32>().ok()));
    }
    pids
}

fn exit_kind(status: &WaitIdStatus) -> Option<ExitKind> {
    let code = status.exit_status().map(ExitKind::Code);
    code.or_else(|| status.terminating_signal().map(ExitKind::Signal))
}
