//! `top`: what modules use, drawn again and again; `q` ends it.

use std::io::{IsTerminal, Read};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use clap::Args;
use protocol::operator::{Event, Request, UsageTable};

use crate::args::parse_duration;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::render;
use crate::terminal::{self, Screen};

const EXAMPLES: &str = "\
Examples:
  ostoja top                     q or Ctrl-C ends
  ostoja top -b -n 1             one table, for scripts
  ostoja top -b -n 5 -d 2s --json";

/// 1 s: quick enough to see a burst, slow enough to read.
const INTERVAL_DEFAULT: &str = "1s";

/// 100 ms: the door's own bound; drawing faster than that shows nothing more.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// What can be typed behind `top`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TopArgs {
    /// Print table after table instead of drawing over them
    #[arg(short, long)]
    batch: bool,
    /// End after this many tables
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,
    /// Time between two tables, 100ms or more
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, default_value = INTERVAL_DEFAULT)]
    delay: Duration,
}

pub(super) fn run(ctx: &Ctx, args: &TopArgs) -> Outcome {
    if args.delay < INTERVAL_MIN {
        return Err(Failure::usage("the delay is 100ms or more").into());
    }
    let is_drawn =
        !args.batch && !ctx.is_json() && std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let mut door = Door::open(ctx)?;
    if args.count == Some(1) && !is_drawn {
        return once(ctx, &mut door);
    }
    let interval_ms = u64::try_from(args.delay.as_millis()).unwrap_or(u64::MAX);
    door.ask_raw(&Request::Usage { interval_ms: Some(interval_ms) })?;
    if is_drawn { drawn(ctx, door, args.count) } else { printed(ctx, &mut door, args.count) }
}

/// 250 ms: between the two samples that one table needs, since a share of a processor is a difference.
const ONCE_INTERVAL_MS: u64 = 250;

fn once(ctx: &Ctx, door: &mut Door) -> Outcome {
    door.ask_raw(&Request::Usage { interval_ms: Some(ONCE_INTERVAL_MS) })?;
    let mut last = None;
    let mut samples_left = 2;
    while samples_left > 0 {
        match door.next_event()? {
            Some(Event::Usage(usage)) => {
                last = Some(usage);
                samples_left -= 1;
            }
            Some(Event::End(_)) | None => break,
            Some(_) => {}
        }
    }
    let Some(usage) = last else {
        return Err(Failure::new("cli::top::hung_up", "the kernel went away before it answered").into());
    };
    ctx.show(&usage, |usage| render::top::usage(&ctx.theme, usage, &ctx.zone))?;
    Ok(Exit::Done)
}

fn printed(ctx: &Ctx, door: &mut Door, count: Option<u64>) -> Outcome {
    let mut left = count;
    while left != Some(0) {
        match door.next_event()? {
            Some(Event::Usage(usage)) => {
                if ctx.is_json() {
                    ctx.json_line(&Event::Usage(usage))?;
                } else {
                    ctx.print(&format!("{}\n", render::top::usage(&ctx.theme, &usage, &ctx.zone)))?;
                }
                left = left.map(|left| left - 1);
            }
            Some(Event::End(_)) | None => break,
            Some(_) => {}
        }
    }
    Ok(Exit::Done)
}

/// What may happen while the screen is drawn.
enum Happening {
    Table(UsageTable),
    Key(u8),
    End(Outcome<()>),
}

/// 16 happenings wait to be drawn: a slow terminal then slows the readers, not memory.
const HAPPENINGS_WAITING_MAX: usize = 16;

fn drawn(ctx: &Ctx, door: Door, count: Option<u64>) -> Outcome {
    let (sender, happenings) = sync_channel(HAPPENINGS_WAITING_MAX);
    let screen = Screen::take()?;
    screen.end_on_wish()?;
    start_thread(sender.clone(), move |sender| read_tables(door, &sender))?;
    start_thread(sender, |sender| read_keys(&sender))?;
    let mut left = count;
    let mut last: Option<UsageTable> = None;
    let end = loop {
        match happenings.recv_timeout(REDRAW_EVERY) {
            Ok(Happening::Table(table)) => {
                draw(ctx, &table)?;
                last = Some(table);
                left = left.map(|left| left.saturating_sub(1));
                if left == Some(0) {
                    break Ok(());
                }
            }
            // q, Q, Ctrl-C, Ctrl-D, Escape.
            Ok(Happening::Key(b'q' | b'Q' | 3 | 4 | 27)) => break Ok(()),
            Ok(Happening::Key(_)) => {}
            Ok(Happening::End(end)) => break end,
            Err(RecvTimeoutError::Disconnected) => break Ok(()),
            // The window may have changed its size.
            Err(RecvTimeoutError::Timeout) => {
                if let Some(table) = &last {
                    draw(ctx, table)?;
                }
            }
        }
    };
    drop(screen);
    end.map(|()| Exit::Done)
}

/// 5 s: how long a changed window may look wrong when no table comes.
const REDRAW_EVERY: Duration = Duration::from_secs(5);

fn draw(ctx: &Ctx, table: &UsageTable) -> Outcome<()> {
    let picture = render::top::usage(&ctx.theme, table, &ctx.zone);
    ctx.print(&terminal::redraw(&picture, terminal::rows()))
}

fn start_thread(
    sender: SyncSender<Happening>,
    body: impl FnOnce(SyncSender<Happening>) + Send + 'static,
) -> Outcome<()> {
    let spawned = std::thread::Builder::new().spawn(move || body(sender));
    spawned.map(|_| ()).map_err(|error| {
        Stopped::from(Failure::new("cli::top::thread", "can't start a thread").caused_by(error.to_string()))
    })
}

fn read_tables(mut door: Door, sender: &SyncSender<Happening>) {
    loop {
        let happening = match door.next_event() {
            Ok(Some(Event::Usage(table))) => Happening::Table(table),
            Ok(Some(Event::End(_)) | None) => Happening::End(Ok(())),
            Ok(Some(_)) => continue,
            Err(stopped) => Happening::End(Err(stopped)),
        };
        let is_end = matches!(happening, Happening::End(_));
        if sender.send(happening).is_err() || is_end {
            return;
        }
    }
}

fn read_keys(sender: &SyncSender<Happening>) {
    let mut key = [0];
    while std::io::stdin().lock().read(&mut key).is_ok_and(|count| count == 1) {
        if sender.send(Happening::Key(key[0])).is_err() {
            return;
        }
    }
}
