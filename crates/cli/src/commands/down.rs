//! `down`: everything stops in order, and this returns when nothing runs any more.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use protocol::operator::{KernelStatus, Plan, Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::amount;
use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::output::Downed;
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja down                    modules in order, those that need others first
  ostoja down --timeout 5s       kill what is left after five seconds
  ostoja down --dry-run          what would stop";

/// 10 s: what a kernel gets to end after everything was killed.
const FORCED_END_WITHIN: Duration = Duration::from_secs(10);

/// 20 ms between two looks at a lock: nobody sees the difference, and a look costs a system call.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What can be typed behind `down`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DownArgs {
    #[command(flatten)]
    pub(super) dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, args: &DownArgs) -> Outcome {
    let target = Target::of(ctx)?;
    if args.dry_run.dry_run {
        return plan(ctx, &target);
    }
    let downed = stop(ctx, &target)?;
    if ctx.is_json() {
        ctx.document(&downed)?;
    } else if downed.was_running {
        ctx.say_phrase(Phrase::Stopped, &[&amount::span(downed.took_ms)]);
    } else {
        ctx.say_phrase(Phrase::NotRunning, &[&target.home.root().display().to_string()]);
    }
    Ok(Exit::Done)
}

/// What would stop, by the kernel's own account; nothing where none runs.
fn plan(ctx: &Ctx, target: &Target) -> Outcome {
    let plan = match Door::try_open_at(target, ANSWER_TIMEOUT_DEFAULT) {
        Some(mut door) => door.ask::<Plan>(&Request::KernelStop { dry_run: true })?,
        None => Plan { steps: Vec::new() },
    };
    ctx.show(&plan, |plan| render::plan::plan(&ctx.theme, plan))?;
    Ok(Exit::Done)
}

/// Stops the kernel of this home, if one runs, and waits for its end.
///
/// # Errors
/// What the kernel refuses; `cli::down::timed_out` when even a forced end does not come.
pub(super) fn stop(ctx: &Ctx, target: &Target) -> Outcome<Downed> {
    let begun = Instant::now();
    let Some(mut door) = Door::try_open_at(target, ANSWER_TIMEOUT_DEFAULT) else {
        return Ok(Downed { was_running: false, took_ms: 0 });
    };
    let sign = sign_of(&mut door, target)?;
    ask_to_stop(&mut door)?;
    if !wait_for_end(&sign, ctx.global.timeout)? {
        // The second wish does not wait for anybody.
        if let Some(mut again) = Door::try_open_at(target, FORCED_END_WITHIN) {
            ask_to_stop(&mut again)?;
        }
        if !wait_for_end(&sign, Some(FORCED_END_WITHIN))? {
            let failure = Failure::new("cli::down::timed_out", "the kernel does not end");
            return Err(failure.help(format!("{} kernel logs", target.command())).into());
        }
    }
    Ok(Downed { was_running: true, took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) })
}

/// By what the end of a kernel is seen.
enum Sign {
    /// Its process, which tells at once.
    Process(OwnedFd),
    /// The lock of its home, looked at again and again: its process has another number here than it says, or none.
    Lock(PathBuf),
    /// It is gone already.
    Gone,
}

/// The number that a kernel tells is that of its own pid namespace; it is believed when the system says the same of whoever is behind
/// the door.
fn sign_of(door: &mut Door, target: &Target) -> Outcome<Sign> {
    let status: KernelStatus = door.ask(&Request::KernelStatus {})?;
    let told = i32::try_from(status.pid).ok().and_then(Pid::from_raw);
    let Some(pid) = told.filter(|_| door.peer() == Some(status.pid)) else {
        return Ok(Sign::Lock(target.home.root().to_owned()));
    };
    // The kernel answered a moment ago, so the number is still its own; if it is gone, so much the better.
    Ok(pidfd_open(pid, PidfdFlags::empty()).map_or(Sign::Gone, Sign::Process))
}

/// A kernel that hangs up instead of answering has stopped, which is what was asked for.
fn ask_to_stop(door: &mut Door) -> Outcome<()> {
    match door.ask_raw(&Request::KernelStop { dry_run: false }) {
        Ok(_) => Ok(()),
        Err(Stopped::Failed(failure)) if failure.exit == Exit::Unreachable => Ok(()),
        Err(other) => Err(other),
    }
}

/// Whether the kernel has ended, within this time if one is given.
fn wait_for_end(sign: &Sign, within: Option<Duration>) -> Outcome<bool> {
    let deadline = within.and_then(|within| Instant::now().checked_add(within));
    let left = || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let cant_wait =
        |cause: String| Failure::new("cli::down::wait", "can't wait for the kernel's end").caused_by(cause);
    match sign {
        Sign::Gone => Ok(true),
        Sign::Process(process) => loop {
            let timeout = left().and_then(|left| Timespec::try_from(left).ok());
            let mut waited = [PollFd::new(process, PollFlags::IN)];
            match poll(&mut waited, timeout.as_ref()) {
                Ok(seen) => return Ok(seen > 0),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(cant_wait(errno.to_string()).into()),
            }
        },
        Sign::Lock(home) => loop {
            if !store::is_locked(home).map_err(|error| cant_wait(error.to_string()))? {
                return Ok(true);
            }
            let left = left().unwrap_or(LOOK_EVERY);
            if left.is_zero() {
                return Ok(false);
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        },
    }
}
