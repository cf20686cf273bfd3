//! `dev`: a module under its author's eyes.

use std::path::PathBuf;

use clap::Args;

use crate::ctx::Ctx;
use crate::dev;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  ostoja dev                     the project or module in this folder
  ostoja dev greeter -v          with pings and acknowledgements
  ostoja dev greeter --record talk.jsonl
  ostoja replay talk.jsonl greeter

It runs what is in the folder in a private home, shows every frame, and brings
what you write into what runs: WebAssembly by hot swap with its state, others by
a restart. What is refused is shown with the grant that would allow it. Ctrl-C
stops everything and leaves nothing behind but the record.";

/// What can be typed behind `dev`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DevArgs {
    /// The folder; this one when left out
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// Keep every frame, with what it carries, one a line
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

pub(super) fn run(ctx: &Ctx, args: &DevArgs) -> Outcome {
    dev::run(ctx, &args.folder, args.record.as_deref())
}
