//! `self-update`: another binary takes the running kernel's place, while its modules run on.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use protocol::operator::{Request, SelfLast, SelfUpdatePlan, SelfVersions, UpdateVerb};

use crate::amount;
use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::updates::SelfUpdated;
use crate::progress::Progress;
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja self-update ./ostoja-new            verify it, then let it take over
  ostoja self-update ./ostoja-new --dry-run  only verify it
  ostoja self-update --list                  which binaries are kept, how it went
  ostoja self-update --rollback              back to the one before

No module restarts and no call fails. A binary that does not take over gives
the place back, and one that falls three times is not started again.";

/// 20 ms between two looks whether the new binary has taken over.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What can be typed behind `self-update`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SelfUpdateArgs {
    /// The new binary
    #[arg(required_unless_present_any = ["rollback", "list"], conflicts_with_all = ["rollback", "list"])]
    file: Option<PathBuf>,
    /// Go back to the binary before
    #[arg(long, conflicts_with = "list")]
    rollback: bool,
    /// Show which binaries are kept, and how the last change went
    #[arg(long, conflicts_with = "dry_run")]
    list: bool,
    /// Start modules again that can't be handed over: WebAssembly, shared memory
    #[arg(long)]
    allow_restarts: bool,
    #[command(flatten)]
    dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, args: &SelfUpdateArgs) -> Outcome {
    if args.list {
        return list(ctx);
    }
    // The kernel reads it, and has another folder.
    let file = match &args.file {
        Some(file) => Some(file.canonicalize().map_err(|error| Failure::io("read", file, &error))?),
        None => None,
    };
    let mut door = Door::open(ctx)?;
    let before: SelfVersions = door.ask(&Request::Update(UpdateVerb::OwnList {}))?;
    let verb = UpdateVerb::Own {
        file: file.map(|file| file.display().to_string()),
        dry_run: args.dry_run.dry_run,
        allow_restarts: args.allow_restarts,
    };
    let shown = Progress::begin(ctx, Phrase::Updating, None);
    let plan: SelfUpdatePlan = door.ask(&Request::Update(verb))?;
    if args.dry_run.dry_run {
        drop(shown);
        ctx.show(&plan, |plan| render::updates::own_plan(&ctx.talk, plan))?;
        return Ok(Exit::Done);
    }
    drop(door);
    let last = wait(ctx, before.last.as_ref())?;
    drop(shown);
    tell(ctx, &plan, &last)
}

fn list(ctx: &Ctx) -> Outcome {
    let versions: SelfVersions = Door::open(ctx)?.ask(&Request::Update(UpdateVerb::OwnList {}))?;
    ctx.show(&versions, render::updates::own_versions)?;
    Ok(Exit::Done)
}

/// Waits until it is known how it went. The kernel does not answer while one binary takes the other's place.
fn wait(ctx: &Ctx, before: Option<&SelfLast>) -> Outcome<SelfLast> {
    let target = Target::of(ctx)?;
    let timeout = ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT);
    let until = Instant::now().checked_add(timeout);
    loop {
        let asked = Door::try_open_at(&target, timeout)
            .and_then(|mut door| door.ask::<SelfVersions>(&Request::Update(UpdateVerb::OwnList {})).ok());
        if let Some(last) = asked.and_then(|versions| versions.last).filter(|last| Some(last) != before) {
            return Ok(last);
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            let failure = Failure::new("cli::self_update::timed_out", "it is not known yet how it went");
            return Err(failure.help(format!("{} self-update --list", target.command())).into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn tell(ctx: &Ctx, plan: &SelfUpdatePlan, last: &SelfLast) -> Outcome {
    if ctx.is_json() {
        ctx.document(&SelfUpdated {
            from: plan.from.clone(),
            to: plan.to.clone(),
            hash: last.hash.clone(),
            took_over: last.took_over,
            why: last.why.clone(),
            pause_ms: last.pause_ms,
            modules: last.modules,
            restarts: plan.restarts.clone(),
        })?;
    } else if last.took_over {
        let pause = last.pause_ms.map_or_else(|| "-".to_owned(), amount::span);
        ctx.say_phrase(Phrase::SelfUpdated, &[&plan.from, &plan.to, &last.modules.to_string(), &pause]);
    } else {
        ctx.say_phrase(Phrase::SelfUpdateUndone, &[&plan.to, &last.why]);
    }
    Ok(if last.took_over { Exit::Done } else { Exit::RolledBack })
}
