//! `publish`: one message on a topic.

use clap::Args;
use protocol::operator::{Published, Request};
use serde_json::Value;

use crate::commands::call::read_value;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja publish orders:new '{\"id\": 7}'
  ostoja publish orders:new id=7 urgent=true
  date | ostoja publish clock -  the payload from stdin";

/// What can be typed behind `publish`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PublishArgs {
    /// Where
    topic: String,
    /// JSON, key=value pairs, @FILE, or - for stdin
    payload: Vec<String>,
}

pub(super) fn run(ctx: &Ctx, args: &PublishArgs) -> Outcome {
    let payload = read_value(&args.payload)?.unwrap_or(Value::Null);
    let mut door = Door::open(ctx)?;
    let published: Published = door.ask(&Request::Publish { topic: args.topic.clone(), payload })?;
    if ctx.is_json() {
        ctx.document(&published)?;
    } else {
        ctx.say_phrase(Phrase::Published, &[&published.receivers.to_string()]);
    }
    Ok(Exit::Done)
}
