//! `reload`: files are read again, and only what differs is acted on.

use clap::{Args, ValueEnum};
use protocol::operator::{Plan, ReloadWhat, Request};

use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::render;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja reload                  everything
  ostoja reload modules          module folders and ostoja.yaml
  ostoja reload --dry-run        what would start, stop, restart or lose rights";

/// What can be typed behind `reload`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReloadArgs {
    /// Which files; all when left out
    #[arg(value_enum)]
    what: Option<What>,
    #[command(flatten)]
    dry_run: DryRun,
}

/// Which files, as typed. Without a word about each: clap would then write every help of this verb in its long form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Config,
    Permissions,
    Modules,
}

impl From<What> for ReloadWhat {
    fn from(what: What) -> Self {
        match what {
            What::Config => Self::Config,
            What::Permissions => Self::Permissions,
            What::Modules => Self::Modules,
        }
    }
}

pub(super) fn run(ctx: &Ctx, args: &ReloadArgs) -> Outcome {
    let mut door = Door::open(ctx)?;
    let request = |dry_run| Request::KernelReload { what: args.what.map(Into::into), dry_run };
    // What is going to be done is told even when it is done: the answer to the doing itself is bare.
    let plan: Plan = door.ask(&request(true))?;
    if !args.dry_run.dry_run {
        door.ask_raw(&request(false))?;
    }
    if ctx.is_json() {
        ctx.document(&plan)?;
    } else if args.dry_run.dry_run || !plan.steps.is_empty() {
        ctx.print(&render::plan::plan(&ctx.theme, &plan))?;
    } else {
        ctx.say_phrase(Phrase::NothingChanged, &[]);
    }
    Ok(Exit::Done)
}
