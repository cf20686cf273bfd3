//! `demo`: the tour; see [`crate::demo`].

use clap::Args;

use crate::ctx::Ctx;
use crate::demo;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  ostoja demo                    stays up for you to try; Ctrl-C ends it
  ostoja demo --once             leaves after the tour
  ostoja demo --lang pl

It runs a kernel of its own in a folder of its own, and removes both.";

/// What can be typed behind `demo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Leave after the tour
    #[arg(long)]
    once: bool,
}

pub(super) fn run(ctx: &Ctx, args: &DemoArgs) -> Outcome {
    demo::run(ctx, if args.once { demo::After::Leave } else { demo::After::Stay })
}
