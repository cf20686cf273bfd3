//! `start`: modules that do not run, until they are ready.

use clap::Args;
use protocol::operator::Request;

use crate::acting;
use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  ostoja start web               returns when web is ready, or tells why not
  ostoja start web worker --json
  ostoja start web --dry-run     what would start beside it";

/// What can be typed behind `start`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StartArgs {
    /// Which modules
    #[arg(required = true, value_name = "MODULE")]
    modules: Vec<String>,
    #[command(flatten)]
    dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, args: &StartArgs) -> Outcome {
    let dry_run = args.dry_run.dry_run;
    let request = |id: &str| Request::ModuleStart { module_id: id.to_owned(), dry_run };
    if dry_run { acting::plan(ctx, &args.modules, request) } else { acting::act(ctx, &args.modules, request) }
}
