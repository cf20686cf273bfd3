//! `restart`: stop and start; a person's restart gives a module all its attempts back.

use clap::Args;
use protocol::operator::Request;

use crate::acting;
use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  ostoja restart web             returns when it is ready again
  ostoja restart web --dry-run   who else would be restarted";

/// What can be typed behind `restart`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RestartArgs {
    /// Which modules
    #[arg(required = true, value_name = "MODULE")]
    modules: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, args: &RestartArgs) -> Outcome {
    let dry_run = args.dry_run.dry_run;
    let request = |id: &str| Request::ModuleRestart { module_id: id.to_owned(), dry_run };
    if dry_run { acting::plan(ctx, &args.modules, request) } else { acting::act(ctx, &args.modules, request) }
}
