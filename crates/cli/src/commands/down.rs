//! `down`: everything stops in order, and this returns when nothing runs any more.

use std::os::fd::OwnedFd;
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
    let process = process_of(&mut door)?;
    ask_to_stop(&mut door)?;
    if !wait_for_end(&process, ctx.global.timeout)? {
        // The second wish does not wait for anybody.
        if let Some(mut again) = Door::try_open_at(target, FORCED_END_WITHIN) {
            ask_to_stop(&mut again)?;
        }
        if !wait_for_end(&process, Some(FORCED_END_WITHIN))? {
            let failure = Failure::new("cli::down::timed_out", "the kernel does not end");
            return Err(failure.help(format!("{} kernel logs", target.command())).into());
        }
    }
    Ok(Downed { was_running: true, took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) })
}

fn process_of(door: &mut Door) -> Outcome<Option<OwnedFd>> {
    let status: KernelStatus = door.ask(&Request::KernelStatus {})?;
    let pid = i32::try_from(status.pid).ok().and_then(Pid::from_raw);
    // The kernel answered a moment ago, so the number is still its own; if it is gone, so much the better.
    Ok(pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()))
}

/// A kernel that hangs up instead of answering has stopped, which is what was asked for.
fn ask_to_stop(door: &mut Door) -> Outcome<()> {
    match door.ask_raw(&Request::KernelStop { dry_run: false }) {
        Ok(_) => Ok(()),
        Err(Stopped::Failed(failure)) if failure.exit == Exit::Unreachable => Ok(()),
        Err(other) => Err(other),
    }
}

/// Whether the process has ended, within this time if one is given.
fn wait_for_end(process: &Option<OwnedFd>, within: Option<Duration>) -> Outcome<bool> {
    let Some(process) = process else { return Ok(true) };
    let deadline = within.and_then(|within| Instant::now().checked_add(within));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut waited = [PollFd::new(process, PollFlags::IN)];
        match poll(&mut waited, timeout.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => {
                let failure = Failure::new("cli::down::wait", "can't wait for the kernel's end");
                return Err(failure.caused_by(errno.to_string()).into());
            }
        }
    }
}
