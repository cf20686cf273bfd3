//! `actors`: what lives in the kernel's process, as a tree with queues, rates and the hottest first if wanted.

use std::time::Duration;

use clap::Args;
use protocol::operator::{ActorTable, Request};

use crate::args::parse_duration;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::render;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja actors                  a tree, watched for 200 ms
  ostoja actors -d 5s --hot 10   the ten that used most processor time
  ostoja actors --json | jq '.data.actors[] | select(.congested)'";

/// 200 ms: enough to see a rate, hardly a wait.
const WATCHED_DEFAULT: &str = "200ms";

/// What can be typed behind `actors`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ActorsArgs {
    /// Watch for this long, 1ms to 60s, for rates; 0 for none
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, default_value = WATCHED_DEFAULT)]
    delay: Duration,
    /// Only this many, the hottest first
    #[arg(long, value_name = "N")]
    hot: Option<usize>,
}

pub(super) fn run(ctx: &Ctx, args: &ActorsArgs) -> Outcome {
    let mut door = Door::open(ctx)?;
    let watched_ms = u64::try_from(args.delay.as_millis()).unwrap_or(u64::MAX);
    let interval_ms = Some(watched_ms).filter(|ms| *ms > 0);
    let mut table: ActorTable = door.ask(&Request::Actors { interval_ms })?;
    if let Some(count) = args.hot {
        render::actors::keep_hottest(&mut table, count);
    }
    let is_empty = table.actors.is_empty();
    ctx.show(&table, |table| match (table.actors.is_empty(), args.hot) {
        (true, _) => String::new(),
        (false, None) => render::actors::tree(&ctx.theme, table),
        (false, Some(_)) => render::actors::list(&ctx.theme, table),
    })?;
    if is_empty && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoActors, &[]);
    }
    Ok(Exit::Done)
}
