//! `subscribe`: what comes on topics, a line each.

use clap::Args;
use protocol::operator::{Event, Request};

use crate::amount;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::render::logs::clean;
use crate::theme::Paint;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja subscribe 'orders:*'
  ostoja subscribe system:module:crashed -n 1   wait for one and leave
  ostoja subscribe '*' --json | jq .data.topic";

/// What can be typed behind `subscribe`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SubscribeArgs {
    /// Which topics; a * at the end stands for the rest
    #[arg(required = true, value_name = "TOPIC")]
    topics: Vec<String>,
    /// Leave after this many messages
    #[arg(short = 'n', long = "count", value_name = "N")]
    count: Option<u64>,
}

pub(super) fn run(ctx: &Ctx, args: &SubscribeArgs) -> Outcome {
    let mut door = Door::open(ctx)?;
    door.ask_raw(&Request::Subscribe { topics: args.topics.clone() })?;
    if !ctx.is_json() {
        ctx.say_phrase(Phrase::Listening, &[&args.topics.join(", ")]);
    }
    let mut left = args.count;
    while left != Some(0) {
        let Some(event) = door.next_event()? else { break };
        let is_message = matches!(event, Event::Message(_));
        if ctx.is_json() {
            ctx.json_line(&event)?;
        } else {
            show(ctx, &event)?;
        }
        if matches!(event, Event::End(_)) {
            break;
        }
        if is_message {
            left = left.map(|left| left - 1);
        }
    }
    Ok(Exit::Done)
}

fn show(ctx: &Ctx, event: &Event) -> Outcome<()> {
    match event {
        Event::Message(message) => {
            let time = ctx.theme.paint(Paint::Dim, &amount::log_moment(message.ts_ms, &ctx.zone));
            let topic = ctx.theme.paint(Paint::Strong, &clean(&message.topic));
            ctx.print(&format!("{time} {topic} {}\n", clean(&message.payload.to_string())))
        }
        Event::Lost(count) => {
            ctx.say_phrase(Phrase::EventsLost, &[&count.to_string()]);
            Ok(())
        }
        Event::End(why) => {
            ctx.say_phrase(Phrase::Ended, &[why]);
            Ok(())
        }
        Event::Log(_) | Event::Record(_) | Event::Usage(_) | Event::Gone(_) => Ok(()),
    }
}
