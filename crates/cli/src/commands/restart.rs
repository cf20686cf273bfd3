//! `restart`: stop and start; a person's restart gives a module all its attempts back. With `--hot` a WebAssembly module's
//! new code takes over the state of the old instead.

use clap::Args;
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

const EXAMPLES: &str = "\
Examples:
  ostoja restart web             returns when it is ready again
  ostoja restart web --dry-run   who else would be restarted
  ostoja restart web --hot       WebAssembly: new code, same state, no gap";

/// What can be typed behind `restart`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RestartArgs {
    /// Which modules
    #[arg(required = true, value_name = "MODULE")]
    modules: Vec<String>,
    /// Put a WebAssembly module's new code in place, with its state
    #[arg(long, conflicts_with = "dry_run")]
    hot: bool,
    #[command(flatten)]
    dry_run: DryRun,
}

pub(super) fn run(ctx: &Ctx, args: &RestartArgs) -> Outcome {
    if args.hot {
        return swap(ctx, &args.modules);
    }
    let dry_run = args.dry_run.dry_run;
    let request = |id: &str| Request::ModuleRestart { module_id: id.to_owned(), dry_run };
    if dry_run { acting::plan(ctx, &args.modules, request) } else { acting::act(ctx, &args.modules, request) }
}

/// One after the other; the first that goes on with its old code ends it.
fn swap(ctx: &Ctx, modules: &[String]) -> Outcome {
    let mut door = Door::open(ctx)?;
    let mut swapped = Vec::new();
    for module in modules {
        let done: Swapped = door.ask(&Request::ModuleSwap { module_id: module.clone() })?;
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
