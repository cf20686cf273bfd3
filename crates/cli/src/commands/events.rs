//! `events`: everything that happens, numbered, a line each; what was missed comes first, and a kernel that comes back
//! is listened to again.

use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use protocol::operator::{EventTopic, EventsBegun, EventsRequest, Request};

use crate::args::parse_duration;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door, hung_up};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::target::Target;
use crate::words::Phrase;

mod printer;

use printer::EventPrinter;

const EXAMPLES: &str = "\
Examples:
  ostoja events                  every decision from now on
  ostoja events records,logs --module web
  ostoja events --code restart. --code module.exited
  ostoja events --since oldest   first those that are kept
  ostoja events --json | jq -r .id    the last one is for --since

Each numbered line has an id, EPOCH-NUMBER. A kernel that starts anew begins
another epoch; a self-update does not. What is not kept any more is told.
A connection that breaks is made again within 10 s, and nothing is missed.";

/// 10 s: longer than another binary takes to stand in the kernel's place.
const COME_BACK_WITHIN: Duration = Duration::from_secs(10);

/// 200 ms between two looks whether the kernel is back.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What can be typed behind `events`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EventsArgs {
    /// Which kinds, separated by commas
    #[arg(value_name = "KINDS", value_enum, value_delimiter = ',', default_value = "records")]
    kinds: Vec<Kind>,
    /// Only records and lines of this module
    #[arg(long, value_name = "NAME")]
    module: Vec<String>,
    /// Only records of this code; one that ends in a dot stands for its area
    #[arg(long, value_name = "CODE")]
    code: Vec<String>,
    /// Messages on this topic too; a * at the end stands for the rest
    #[arg(long, value_name = "TOPIC")]
    hear: Vec<String>,
    /// First what came after this id, or what is kept: oldest
    #[arg(long, value_name = "ID")]
    since: Option<String>,
    /// Go on with the next kernel when this one stops, however long that takes
    #[arg(long)]
    reconnect: bool,
    /// Leave after this many events
    #[arg(short = 'n', long = "count", value_name = "N")]
    count: Option<u64>,
    /// Time between two events of usage, 100ms or more
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, default_value = "2s")]
    delay: Duration,
}

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Records,
    Logs,
    Usage,
}

/// How listening came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Counted,
    /// The kernel said that nothing more will come.
    Told,
    HungUp,
}

pub(super) fn run(ctx: &Ctx, args: &EventsArgs) -> Outcome {
    let target = Target::of(ctx)?;
    let mut door = Door::open(ctx)?;
    let mut listening =
        Listening { ctx, place: args.since.clone(), left: args.count, printer: EventPrinter::new(ctx) };
    loop {
        let begun: EventsBegun = door.ask(&Request::Events(request(args, listening.place.clone())))?;
        listening.place.get_or_insert(begun.id);
        let ended = listening.listen(&mut door)?;
        if ended == Ended::Counted || ended == Ended::Told && !args.reconnect {
            return Ok(Exit::Done);
        }
        ctx.say_phrase(Phrase::ConnectionLost, &[]);
        let within = (!args.reconnect).then_some(COME_BACK_WITHIN);
        door = come_back(&target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT), within)
            .ok_or_else(|| hung_up("it did not come back within 10 s"))?;
        ctx.say_phrase(Phrase::ConnectedAgain, &[]);
    }
}

fn request(args: &EventsArgs, since: Option<String>) -> EventsRequest {
    let topic = |kind: &Kind| match kind {
        Kind::Records => EventTopic::Records,
        Kind::Logs => EventTopic::Logs,
        Kind::Usage => EventTopic::Usage,
    };
    EventsRequest {
        topics: args.kinds.iter().map(topic).collect(),
        modules: args.module.clone(),
        codes: args.code.clone(),
        hear: args.hear.clone(),
        interval_ms: Some(u64::try_from(args.delay.as_millis()).unwrap_or(u64::MAX)),
        since,
    }
}

/// Where one listener is.
struct Listening<'a> {
    ctx: &'a Ctx,
    /// The id of the last event that was seen.
    place: Option<String>,
    left: Option<u64>,
    printer: EventPrinter<'a>,
}

impl Listening<'_> {
    fn listen(&mut self, door: &mut Door) -> Outcome<Ended> {
        while self.left != Some(0) {
            let Some(line) = door.next_numbered()? else { return Ok(Ended::HungUp) };
            if self.ctx.is_json() {
                self.ctx.json_line(&line)?;
            } else {
                self.printer.show(&line.event)?;
            }
            if EventPrinter::is_end(&line.event) {
                return Ok(Ended::Told);
            }
            if EventPrinter::is_counted(&line.event) {
                self.left = self.left.map(|left| left - 1);
            }
            if line.id.is_some() {
                self.place = line.id;
            }
        }
        Ok(Ended::Counted)
    }
}

/// The door of the kernel that runs there next, as soon as it is open.
fn come_back(target: &Target, timeout: Duration, within: Option<Duration>) -> Option<Door> {
    let deadline = within.map(|within| Instant::now() + within);
    loop {
        if let Some(door) = Door::try_open_at(target, timeout) {
            return Some(door);
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return None;
        }
        thread::sleep(LOOK_EVERY);
    }
}
