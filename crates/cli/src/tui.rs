//! `tui`: the whole screen, for somebody who watches and steers.
//!
//! ```text
//! keyboard ─┐                              ┌─► view::draw ─► terminal
//! clock ────┼─► Event ─► App::update ──────┤
//! kernel ◄──┴─ worker ◄── Wish::Ask ◄──────┘
//! ```
//!
//! `state` and `view` are pure; this file owns the threads, the terminal and the operator door. One worker looks, another
//! changes, so that a restart that waits for its module does not stop the picture. The mouse stays the person's.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use protocol::operator::{OnBehalf, Request, Response, Role};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event;
use serde_json::Value;

use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::target::Target;
use crate::terminal::Screen;

mod keys;
mod look;
mod state;
mod view;
mod words;

pub(crate) use look::Palette;

use self::keys::Key;
use self::look::Look;
use self::state::{App, Event, Tag, Wish};

/// 1 s between two looks at the kernel: what `top` has too.
const TICK: Duration = Duration::from_secs(1);

/// 64 events wait for the screen; a key more than that waits in the terminal.
const EVENTS_WAITING_MAX: usize = 64;

/// 16 looks wait for the kernel; more of them would only be old.
const LOOKS_WAITING_MAX: usize = 16;

/// For whom the kernel is asked, as its journal shows it.
const NAME: &str = "tui";

/// How the screen is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) role: Role,
    pub(crate) palette: Palette,
}

type Question = (Tag, Box<Request>);

/// Takes the terminal and shows everything until it is told to end.
///
/// # Errors
/// When the terminal can't be taken or drawn on.
pub(crate) fn run(ctx: &Ctx, wanted: Wanted) -> Outcome {
    let target = Target::of(ctx)?;
    let screen = Screen::take()?;
    screen.end_on_wish()?;
    let (sender, events) = sync_channel(EVENTS_WAITING_MAX);
    let by = OnBehalf { name: NAME.to_owned(), role: wanted.role };
    let looks = worker(ctx, &target, &by, &sender)?;
    let changes = worker(ctx, &target, &by, &sender)?;
    start_thread(move || read_keys(&sender))?;
    let look = Look::new(wanted.palette, ctx.theme, ctx.zone.clone(), target.command());
    let mut app = App::new(ctx.lang, wanted.role);
    let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout())).map_err(|error| failed(&error))?;
    let ended = converse(&mut app, &events, &looks, &changes, |app| {
        terminal.draw(|frame| view::draw(frame, app, &look)).map(drop)
    });
    drop(screen);
    ended.map(|()| Exit::Done)
}

fn failed(error: &io::Error) -> Failure {
    Failure::new("cli::tui::draw", "can't draw on the terminal").caused_by(error.to_string())
}

/// Events into the state, its wishes out of it, until one of them is to end.
fn converse(
    app: &mut App,
    events: &Receiver<Event>,
    looks: &SyncSender<Question>,
    changes: &SyncSender<Question>,
    mut draw: impl FnMut(&App) -> io::Result<()>,
) -> Outcome<()> {
    let mut next_tick = Instant::now();
    loop {
        let left = next_tick.saturating_duration_since(Instant::now());
        let event = match events.recv_timeout(left) {
            Ok(event) => event,
            // Nobody is left to tell anything.
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                next_tick = Instant::now() + TICK;
                Event::Tick
            }
        };
        for wish in app.update(event) {
            match wish {
                Wish::Quit => return Ok(()),
                Wish::Ask(tag, request) => {
                    let to = if matches!(tag, Tag::Changed(_)) { changes } else { looks };
                    // What does not fit now is asked again with the next tick.
                    if let Err(TrySendError::Disconnected(_)) = to.try_send((tag, request)) {
                        return Ok(());
                    }
                }
            }
        }
        draw(app).map_err(|error| failed(&error))?;
    }
}

/// A thread with a connection of its own, which it opens again when the kernel has come back.
fn worker(
    ctx: &Ctx,
    target: &Target,
    by: &OnBehalf,
    sender: &SyncSender<Event>,
) -> Outcome<SyncSender<Question>> {
    let (questions, to_ask) = sync_channel::<Question>(LOOKS_WAITING_MAX);
    let timeout = ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT);
    let (target, by, sender) = (target.clone(), by.clone(), sender.clone());
    start_thread(move || {
        let mut door: Option<Door> = None;
        for (tag, request) in to_ask {
            let asked = match door.take() {
                Some(open) => Ok(open),
                None => Door::open_at(&target, timeout),
            }
            .and_then(|mut open| {
                let response = open.ask_on_behalf(&request, &by)?;
                door = Some(open);
                Ok(response)
            });
            let event = match asked {
                Ok(response) => Event::Answer(tag, told(response)),
                Err(Stopped::Failed(failure)) => Event::Gone(failure.message.clone()),
                Err(Stopped::ReaderGone) => return,
            };
            if sender.send(event).is_err() {
                return;
            }
        }
    })?;
    Ok(questions)
}

fn told(response: Response) -> Result<Value, String> {
    if response.ok {
        return Ok(response.data.unwrap_or(Value::Null));
    }
    Err(response.error.unwrap_or_default())
}

fn read_keys(sender: &SyncSender<Event>) {
    while let Ok(event) = event::read() {
        let told = match Key::of(&event) {
            Some(key) => sender.send(Event::Key(key)),
            // The window has another size: the picture is drawn anew.
            None => sender.send(Event::Tick),
        };
        if told.is_err() {
            return;
        }
    }
}

fn start_thread(body: impl FnOnce() + Send + 'static) -> Outcome<()> {
    let spawned = std::thread::Builder::new().spawn(body);
    spawned.map(|_| ()).map_err(|error| {
        Failure::new("cli::tui::thread", "can't start a thread").caused_by(error.to_string()).into()
    })
}
