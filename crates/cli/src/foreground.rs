//! A kernel in this very process: what it tells goes through a bounded queue to a thread that prints, so that a
//! terminal that nobody reads slows no module down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use host::{BootStep, FrameTold, News, Options};
use protocol::operator::JournalRow;
use rustix::process::{Signal, getpid, kill_process};
use tracing_subscriber::filter::LevelFilter;

use crate::amount;
use crate::ctx::Ctx;
use crate::dev::frames::{self, DevFrame, Recorder};
use crate::dev::learn::Learning;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::output::UpEvent;
use crate::render::logs::{Clock, LogPrinter, clean};
use crate::theme::{Colors, Paint};
use crate::words::Phrase;

/// 8,192 pieces of news wait for the terminal; a flood beyond that is counted, the files have all of it.
const NEWS_WAITING_MAX: usize = 8_192;

/// Runs a kernel here until it is told to stop.
///
/// # Errors
/// What keeps a kernel from starting.
pub(crate) fn run(ctx: &Ctx, options: Options, command: String) -> Outcome {
    run_with(ctx, options, command, Extra::default())
}

/// What is done with the news beyond showing them.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// Keeps the frames.
    pub(crate) recorder: Option<Recorder>,
    /// Whether what is refused is shown with the grant that would allow it.
    pub(crate) advises: bool,
    /// What is done with what observed modules needed.
    pub(crate) learning: Option<Learning>,
}

/// The same, with more done with the news.
///
/// # Errors
/// As [`run`], and when a record can't be written.
pub(crate) fn run_with(ctx: &Ctx, options: Options, command: String, extra: Extra) -> Outcome {
    let (sender, receiver) = sync_channel(NEWS_WAITING_MAX);
    let lost = Arc::new(AtomicU64::new(0));
    let printer = start_printer(ctx, receiver, lost.clone(), (command, extra))?;
    let result = host::run(options, teller(sender, lost));
    // The last sender went with the observer, so the printer comes to its end.
    let printed = printer.join().unwrap_or(Printed::All);
    match (result, printed) {
        (Err(error), _) => Err(crate::failure::of_host(error).into()),
        (Ok(()), Printed::ReaderGone) => Err(Stopped::ReaderGone),
        (Ok(()), Printed::All) => Ok(Exit::Done),
    }
}

/// Hands news over without ever waiting: it is called on the kernel's own thread.
fn teller(sender: SyncSender<News>, lost: Arc<AtomicU64>) -> impl Fn(&News) + 'static {
    move |news| match sender.try_send(news.clone()) {
        Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        Err(TrySendError::Full(_)) => {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How printing came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Printed {
    All,
    ReaderGone,
}

fn start_printer(
    ctx: &Ctx,
    news: Receiver<News>,
    lost: Arc<AtomicU64>,
    (command, extra): (String, Extra),
) -> Outcome<JoinHandle<Printed>> {
    let ctx = ctx.clone();
    let spawned = std::thread::Builder::new().name("printer".to_owned()).spawn(move || {
        let mut printer = Printer::new(&ctx, command, extra);
        for one in &news {
            let missed = lost.swap(0, Ordering::Relaxed);
            if printer.lost(missed).and_then(|()| printer.tell(&one)).is_err() {
                // Nobody reads any more: everything is to stop, in order.
                let _ = kill_process(getpid(), Signal::TERM);
                return Printed::ReaderGone;
            }
        }
        match printer.finish() {
            Ok(()) => Printed::All,
            Err(_) => Printed::ReaderGone,
        }
    });
    spawned.map_err(|error| {
        Failure::new("cli::up::printer", "can't start the thread that prints")
            .caused_by(error.to_string())
            .into()
    })
}

/// Prints news as they come.
struct Printer<'a> {
    ctx: &'a Ctx,
    command: String,
    extra: Extra,
    lines: LogPrinter,
    modules: usize,
    stopping: Option<Instant>,
    started: Instant,
}

impl<'a> Printer<'a> {
    fn new(ctx: &'a Ctx, command: String, extra: Extra) -> Self {
        let lines = LogPrinter::new(ctx.theme, ctx.zone.clone(), Clock::Hidden);
        Self { ctx, command, extra, lines, modules: 0, stopping: None, started: Instant::now() }
    }

    fn tell(&mut self, news: &News) -> Outcome<()> {
        if matches!(news, News::Stopping) && self.stopping.is_none() {
            self.stopping = Some(Instant::now());
        }
        if let News::Frame(told) = news {
            return self.frame(told);
        }
        if let (News::Observed(profiled), Some(learning)) = (news, &self.extra.learning) {
            return learning.tell(self.ctx, profiled);
        }
        if self.ctx.is_json() {
            to_event(news).map_or(Ok(()), |event| self.ctx.json_line(&event))?;
            return self.advise(news);
        }
        match news {
            News::Booted { step, found, .. } => self.ctx.say(&boot_line(self.ctx, *step, found)),
            News::Settled(not_ready) => self.settled(not_ready),
            News::Trouble(what) => {
                let text = self.ctx.phrase(Phrase::Trouble, &[what]);
                self.ctx.say_always(&self.ctx.talk.paint(Paint::Soon, &text));
            }
            News::Log(line) => {
                let text = self.lines.line(line);
                return self.ctx.print(&text);
            }
            News::Record(row) => {
                if let Some(text) = crate::render::logs::decision(self.ctx, row) {
                    let who = row.module_id.as_deref().unwrap_or("ostoja");
                    self.ctx.say(&self.lines.decision(&self.ctx.talk, who, &text));
                }
                if matches!(row.code.as_str(), "module.ready" | "module.completed") {
                    self.modules += 1;
                }
                return self.advise(news);
            }
            News::Frame(_) | News::Observed(_) => {}
            News::Stopping => self.ctx.say_phrase(Phrase::Stopping, &[]),
        }
        Ok(())
    }

    fn frame(&mut self, told: &FrameTold) -> Outcome<()> {
        let Some(frame) = DevFrame::of(told) else { return Ok(()) };
        if let Some(recorder) = &mut self.extra.recorder {
            recorder.keep(&frame)?;
        }
        if self.ctx.is_json() {
            return self.ctx.json_line(&UpEvent::Frame(frame));
        }
        if frame.is_small_talk() && self.ctx.global.verbose == 0 {
            return Ok(());
        }
        let theme = &self.ctx.theme;
        let who = self.lines.decision(theme, &frame.module_id, "");
        let columns = theme.width.saturating_sub(self.lines.columns());
        self.ctx.print(&format!("{who}{}\n", frames::shown(theme, &frame, columns)))
    }

    /// What was refused, with what would allow it.
    fn advise(&mut self, news: &News) -> Outcome<()> {
        let News::Record(row) = news else { return Ok(()) };
        let Some(grant) = self.extra.advises.then(|| grant(self.ctx, row, &self.command)).flatten() else {
            return Ok(());
        };
        let who = row.module_id.as_deref().unwrap_or("ostoja");
        if self.ctx.is_json() {
            let what = host::words::sentence(self.ctx.lang.into(), row);
            return self.ctx.json_line(&UpEvent::Denied { module_id: who.to_owned(), what, grant });
        }
        let text = self.ctx.talk.paint(Paint::Soon, &self.ctx.phrase(Phrase::DevGrant, &[&clean(&grant)]));
        self.ctx.say_always(&self.lines.decision(&self.ctx.talk, who, &text));
        Ok(())
    }

    fn settled(&mut self, not_ready: &[String]) {
        let after_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let after = amount::span(after_ms);
        if not_ready.is_empty() && self.modules == 0 {
            self.ctx.say_phrase(Phrase::NoModules, &[&self.command]);
        } else if not_ready.is_empty() {
            let text = self.ctx.phrase(Phrase::AllReady, &[&after, &self.modules.to_string()]);
            self.ctx.say(&self.ctx.talk.paint(Paint::Good, &text));
        } else {
            let text = self.ctx.phrase(Phrase::SomeNotReady, &[&after, &not_ready.join(", ")]);
            self.ctx.say_always(&self.ctx.talk.paint(Paint::Bad, &text));
            self.ctx.say_phrase(Phrase::AskWhy, &[&self.command, &not_ready[0]]);
        }
        self.ctx.say_phrase(Phrase::CtrlCStops, &[]);
    }

    fn lost(&mut self, count: u64) -> Outcome<()> {
        if count == 0 {
            return Ok(());
        }
        if self.ctx.is_json() {
            return self.ctx.json_line(&UpEvent::Lost(count));
        }
        let text = self.ctx.phrase(Phrase::LinesLost, &[&count.to_string()]);
        let note = self.lines.note(&text);
        self.ctx.print(&note)
    }

    fn finish(&mut self) -> Outcome<()> {
        let Some(stopping) = self.stopping else { return Ok(()) };
        let took_ms = u64::try_from(stopping.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.ctx.is_json() {
            return self.ctx.json_line(&UpEvent::Stopped { took_ms });
        }
        self.ctx.say_phrase(Phrase::Stopped, &[&amount::span(took_ms)]);
        Ok(())
    }
}

/// What would allow what a record says was refused, if anything would.
fn grant(ctx: &Ctx, row: &JournalRow, command: &str) -> Option<String> {
    if row.code == "rpc.forbidden" {
        let service = row.facts.get("service").and_then(serde_json::Value::as_str)?;
        return Some(ctx.phrase(Phrase::DevAddService, &[service]));
    }
    let remedy = host::words::remedy(row)?;
    let grant = remedy.strip_prefix("ostoja ").filter(|rest| rest.starts_with("permissions grant "))?;
    Some(format!("{command} {grant}"))
}

/// What the libraries say of themselves goes to stderr: from `least` on, with `-v` what happens, with `-vv` why.
pub(crate) fn start_log(ctx: &Ctx, least: LevelFilter) {
    let level = match (ctx.global.quiet, ctx.global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => least,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level);
    // A second one in the same process would be refused; the first one serves.
    let _ = builder.with_ansi(ctx.talk.colors == Colors::On).with_target(false).try_init();
}

/// A step of the boot as a line: `[3/5] modules: 3 modules, 1 refused`.
pub(crate) fn boot_line(ctx: &Ctx, step: BootStep, found: &str) -> String {
    let number = BootStep::ALL.iter().position(|one| *one == step).map_or(0, |place| place + 1);
    ctx.phrase(Phrase::BootStep, &[&number.to_string(), step.as_str(), found])
}

/// News as a line of JSON; nothing for frames.
pub(crate) fn to_event(news: &News) -> Option<UpEvent> {
    Some(match news {
        News::Booted { step, found, after_ms } => {
            UpEvent::Booted { step: step.as_str().to_owned(), found: found.clone(), after_ms: *after_ms }
        }
        News::Settled(not_ready) => UpEvent::Settled { not_ready: not_ready.clone() },
        News::Trouble(what) => UpEvent::Trouble(what.clone()),
        News::Log(line) => UpEvent::Log(line.clone()),
        News::Record(row) => UpEvent::Record(row.clone()),
        // Each is told by the printer itself, which also keeps it.
        News::Frame(_) | News::Observed(_) => return None,
        News::Stopping => UpEvent::Stopping(()),
    })
}
