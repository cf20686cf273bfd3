//! `replay`: a recorded conversation, held again.

use std::path::PathBuf;

use clap::Args;

use crate::ctx::Ctx;
use crate::dev::replay;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  ostoja dev greeter --record talk.jsonl
  ostoja replay talk.jsonl greeter

No kernel is needed: the module is told what it was told in its first life of
the record, and what it says is held against what it said. Exit 1 when it says
something else. It runs outside of any containment, with your rights.";

/// What can be typed behind `replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// What `dev --record` kept
    #[arg(value_name = "FILE")]
    record: PathBuf,
    /// The module's folder; this one when left out
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
}

pub(super) fn run(ctx: &Ctx, args: &ReplayArgs) -> Outcome {
    replay::run(ctx, &args.record, &args.folder)
}
