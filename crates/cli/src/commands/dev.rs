//! `dev`: a module under its author's eyes.

use std::path::PathBuf;

use clap::Args;
use protocol::operator::Held;

use crate::ctx::Ctx;
use crate::dev;
use crate::dev::learn::{Learning, Then};
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  ostoja dev                     the project or module in this folder
  ostoja dev greeter -v          with pings and acknowledgements
  ostoja dev greeter --record talk.jsonl
  ostoja dev greeter --observe   at the end: what it needs to be allowed
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
    /// Watch what each module uses and wants, and print at the end the smallest permissions that it needed; `open` refuses it
    /// nothing meanwhile
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "held")]
    observe: Option<How>,
    /// With --observe: put these permissions into each module's module.json
    #[arg(long, requires = "observe")]
    write: bool,
}

/// How modules are held while they are observed: as always, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum How {
    Held,
    Open,
}

pub(super) fn run(ctx: &Ctx, args: &DevArgs) -> Outcome {
    let learning = args.observe.map(|how| Learning {
        held: match how {
            How::Held => Held::Closed,
            How::Open => Held::Open,
        },
        then: if args.write { Then::Write } else { Then::Show },
    });
    dev::run(ctx, &args.folder, args.record.as_deref(), learning)
}
