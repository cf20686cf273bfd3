//! `restart`: stop and start; a person's restart gives a module all its attempts back. With `--hot` what is on the disk
//! takes over the state of what runs instead. `plan` tells beforehand what a restart does, `history` which there were.

use clap::{Args, Subcommand};
use protocol::operator::{Request, Swapped};

use crate::acting;
use crate::amount;
use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{SwappedModules, SwappedOne};
use crate::words::Phrase;

mod history;
mod plan;

const EXAMPLES: &str = "\
Examples:
  ostoja restart web             returns when it is ready again
  ostoja restart web --dry-run   who else would be restarted
  ostoja restart web --hot       a new life beside the old one takes its state over: no gap
  ostoja restart plan web        who would lose which service, for how long
  ostoja restart history         which restarts there were, why, how they ended";

/// What can be typed behind `restart`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct RestartArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Which modules; one that is named like a verb stands behind --
    #[arg(required = true, value_name = "MODULE")]
    modules: Vec<String>,
    /// Let a new life take over the state of the old one, without a gap
    #[arg(long, conflicts_with = "dry_run")]
    hot: bool,
    /// The new life begins without state: no module is asked for any
    #[arg(long, requires = "hot")]
    without_state: bool,
    #[command(flatten)]
    dry_run: DryRun,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Tell who would lose which service for how long
    #[command(after_help = "Examples:\n  ostoja restart plan web\n  ostoja restart plan web --json")]
    Plan {
        /// Which module
        module: String,
    },
    /// List the restarts that the journal knows: cause, duration, result
    #[command(after_help = "Examples:\n  ostoja restart history\n  ostoja restart history web -n 5")]
    History {
        /// Only of this module
        module: Option<String>,
        /// The last this many
        #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 50)]
        lines: usize,
    },
}

pub(super) fn run(ctx: &Ctx, args: &RestartArgs) -> Outcome {
    match &args.verb {
        Some(Verb::Plan { module }) => return plan::run(ctx, module),
        Some(Verb::History { module, lines }) => return history::run(ctx, module.as_deref(), *lines),
        None => {}
    }
    if args.hot {
        return swap(ctx, &args.modules, args.without_state);
    }
    let dry_run = args.dry_run.dry_run;
    let request = |id: &str| Request::ModuleRestart { module_id: id.to_owned(), dry_run };
    if dry_run { acting::plan(ctx, &args.modules, request) } else { acting::act(ctx, &args.modules, request) }
}

/// One after the other; the first that goes on with its old code ends it.
fn swap(ctx: &Ctx, modules: &[String], without_state: bool) -> Outcome {
    let mut door = Door::open(ctx)?;
    let mut swapped = Vec::new();
    for module in modules {
        let done: Swapped = door.ask(&Request::ModuleSwap { module_id: module.clone(), without_state })?;
        if !ctx.is_json() {
            let (pause, state) = (format!("{} µs", done.pause_us), amount::bytes(done.state_bytes));
            ctx.say_phrase(Phrase::Swapped, &[module, &pause, &state]);
        }
        swapped.push(SwappedOne { module_id: module.clone(), swapped: done });
    }
    if ctx.is_json() {
        ctx.document(&SwappedModules { modules: swapped })?;
    }
    Ok(Exit::Done)
}
