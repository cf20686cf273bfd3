//! `stop`: modules that run, until they are gone.

use clap::Args;
use protocol::operator::Request;

use crate::acting;
use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  ostoja stop web                asks it to end, kills it after its grace
  ostoja stop db --dry-run       who would lose what it offers";

/// What can be typed behind `stop`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StopArgs {
    /// Which modules
    #[arg(required = true, value_name = "MODULE")]
    modules: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, args: &StopArgs) -> Outcome {
    let dry_run = args.dry_run.dry_run;
    let request = |id: &str| Request::ModuleStop { module_id: id.to_owned(), dry_run };
    if dry_run { acting::plan(ctx, &args.modules, request) } else { acting::act(ctx, &args.modules, request) }
}
