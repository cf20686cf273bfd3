//! `why`: the story of one module, from the journal.

use clap::Args;
use protocol::operator::{Request, Story};

use crate::amount;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::render::story::Teller;

const EXAMPLES: &str = "\
Examples:
  ostoja why web                 how it is, what happened, what to do
  ostoja why web --lang pl       the same in Polish
  ostoja why web -n 200          further back";

/// What can be typed behind `why`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct WhyArgs {
    /// Which module
    module: String,
    /// How many records at the most
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 50)]
    lines: u32,
}

pub(super) fn run(ctx: &Ctx, args: &WhyArgs) -> Outcome {
    let mut door = Door::open(ctx)?;
    let story: Story = door.ask(&Request::Why { module_id: args.module.clone(), limit: Some(args.lines) })?;
    let teller = Teller {
        theme: &ctx.theme,
        lang: ctx.lang,
        zone: &ctx.zone,
        now_ms: amount::now_ms(),
        command: door.command(),
    };
    ctx.show(&story, |story| teller.tell(&args.module, story))?;
    Ok(Exit::Done)
}
