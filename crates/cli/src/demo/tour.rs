//! The tour: six things to see, each with the command that shows it, its answer, and one sentence about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use protocol::operator::{
    Event, EventsRequest, JournalRow, ModuleStatus, PendingRow, PermissionChange, Request, Story,
};
use serde_json::{Value, json};

use crate::amount;
use crate::args::Columns;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::failure::{Failure, Outcome, Stopped};
use crate::output::DemoStep;
use crate::render;
use crate::render::logs::clean;
use crate::render::story::Teller;
use crate::target::{Target, shell_word};
use crate::theme::Paint;
use crate::words::Phrase;

use super::After;

/// 10 s: each thing of the tour takes some milliseconds; only a very busy machine needs more than a second.
const STEP_WITHIN: Duration = Duration::from_secs(10);

/// 200 calls: enough to see whether a flood slows others down, done in well under a second.
const CALLS_DURING_FLOOD: u32 = 200;

/// The tour with what it needs.
pub(super) struct Tour {
    ctx: Ctx,
    target: Target,
    after: After,
    is_wished: Arc<AtomicBool>,
}

impl Tour {
    pub(super) fn new(ctx: &Ctx, target: Target, after: After, is_wished: Arc<AtomicBool>) -> Self {
        Self { ctx: ctx.clone(), target, after, is_wished }
    }

    /// Gives the tour; afterwards the kernel is told to stop, or left to the person.
    ///
    /// # Errors
    /// The first thing that could not be shown; the kernel is then told to stop too.
    pub(super) fn give(self, not_ready: &[String]) -> Outcome<()> {
        let shown = self.show_all(not_ready);
        if shown.is_err() || self.after == After::Leave || self.is_wished.load(Ordering::SeqCst) {
            let stopped =
                self.door().and_then(|mut door| door.ask_raw(&Request::KernelStop { dry_run: false }));
            // A kernel that is stopping already may hang up instead of answering.
            return shown.and(stopped.map(|_| ()).or(Ok(())));
        }
        self.invite()
    }

    fn show_all(&self, not_ready: &[String]) -> Outcome<()> {
        let mut guide = Guide { tour: self, number: 0 };
        guide.modules(not_ready)?;
        guide.call()?;
        guide.crash()?;
        guide.flood()?;
        guide.wish()
    }

    fn door(&self) -> Outcome<Door> {
        Door::open_at(&self.target, STEP_WITHIN)
    }

    /// What to try, with the home that has to be named.
    fn invite(&self) -> Outcome<()> {
        if self.ctx.is_json() {
            return Ok(());
        }
        let command = self.target.command().replacen("ostoja", &program(), 1);
        let tries = [
            "ps",
            "top",
            "logs -f",
            "call greeter hello name=Ola",
            "call worker crash",
            "why worker",
            "audit --verify",
        ];
        let mut text = format!("\n{}\n", self.strong(&self.ctx.phrase(Phrase::DemoTry, &[])));
        for words in tries {
            text.push_str(&format!("  {command} {words}\n"));
        }
        text.push_str(&format!("\n{}\n", self.ctx.phrase(Phrase::DemoStays, &[])));
        self.ctx.print(&text)
    }

    fn strong(&self, text: &str) -> String {
        self.ctx.theme.paint(Paint::Strong, text)
    }
}

/// Counts the steps and shows each in the same way.
struct Guide<'a> {
    tour: &'a Tour,
    number: u32,
}

impl Guide<'_> {
    /// Shows a step: its title, the command, what came of it, a sentence.
    fn step(&mut self, title: Phrase, command: &str, seen: Vec<String>, remark: &str) -> Outcome<()> {
        self.number += 1;
        let ctx = &self.tour.ctx;
        let title = ctx.phrase(title, &[]);
        if ctx.is_json() {
            return ctx.json_line(&DemoStep { step: self.number, title, ok: true, seen });
        }
        let prompt = ctx.theme.paint(Paint::Dim, &format!("$ ostoja {command}"));
        let mut text = format!("\n{}\n  {prompt}\n", self.tour.strong(&format!("{}. {title}", self.number)));
        for line in &seen {
            text.push_str(format!("  {line}").trim_end());
            text.push('\n');
        }
        if !remark.is_empty() {
            let arrow = ctx.theme.glyph("→", "->");
            text.push_str(&format!("  {}\n", ctx.theme.paint(Paint::Good, &format!("{arrow} {remark}"))));
        }
        ctx.print(&text)
    }

    fn modules(&mut self, not_ready: &[String]) -> Outcome<()> {
        if !not_ready.is_empty() {
            let message = format!("not ready: {}", not_ready.join(", "));
            return Err(Failure::new("cli::demo::not_ready", message).into());
        }
        let modules: Vec<ModuleStatus> = self.tour.door()?.modules()?;
        let mut theme = self.tour.ctx.theme;
        theme.width = theme.width.saturating_sub(2);
        let table = render::modules::table(&theme, Columns::Short, &modules, amount::now_ms());
        let remark = self.tour.ctx.phrase(Phrase::DemoModulesRemark, &[]);
        self.step(Phrase::DemoModules, "ps", table.lines().map(str::to_owned).collect(), &remark)
    }

    fn call(&mut self) -> Outcome<()> {
        let begun = Instant::now();
        let result = call(&mut self.tour.door()?, "greeter", "hello", Some(json!({ "name": "Ostoja" })))?;
        let took = format!("{:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0);
        let remark = self.tour.ctx.phrase(Phrase::DemoCallRemark, &[&took]);
        self.step(Phrase::DemoCall, "call greeter hello name=Ostoja", vec![text_of(&result)], &remark)
    }

    fn crash(&mut self) -> Outcome<()> {
        let mut decisions = self.tour.door()?;
        decisions.ask_raw(&Request::Events(EventsRequest::default()))?;
        // It dies instead of answering: the error is what is to be seen.
        let answered = match call(&mut self.tour.door()?, "worker", "crash", None) {
            Ok(result) => text_of(&result),
            Err(Stopped::Failed(failure)) => clean(&failure.message),
            Err(Stopped::ReaderGone) => return Err(Stopped::ReaderGone),
        };
        let begun = Instant::now();
        let mut seen = vec![answered];
        let deadline = Instant::now().checked_add(STEP_WITHIN);
        loop {
            match decisions.next_event_until(deadline)? {
                Some(Event::Record(row)) if row.module_id.as_deref() == Some("worker") => {
                    seen.push(self.sentence(&row));
                    if row.code == "module.ready" {
                        break;
                    }
                }
                Some(Event::End(_)) | None => return Err(gone().into()),
                Some(_) => {}
            }
        }
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let remark = self.tour.ctx.phrase(Phrase::DemoCrashRemark, &[&amount::span(took_ms)]);
        self.step(Phrase::DemoCrash, "call worker crash", seen, &remark)
    }

    fn sentence(&self, row: &JournalRow) -> String {
        format!("worker: {}", clean(&host::words::sentence(self.tour.ctx.lang.into(), row)))
    }

    fn flood(&mut self) -> Outcome<()> {
        let mut flooder = self.tour.door()?;
        // On a thread of its own: it answers when the flood is over.
        let flooding = std::thread::Builder::new()
            .name("flood".to_owned())
            .spawn(move || call(&mut flooder, "flooder", "flood", None).map(|_| ()));
        let flooding = flooding.map_err(|error| {
            Failure::new("cli::demo::thread", "can't start a thread").caused_by(error.to_string())
        })?;
        let mut door = self.tour.door()?;
        let mut slowest = Duration::ZERO;
        for _ in 0..CALLS_DURING_FLOOD {
            let begun = Instant::now();
            call(&mut door, "greeter", "hello", None)?;
            slowest = slowest.max(begun.elapsed());
        }
        if let Ok(Err(stopped)) = flooding.join() {
            return Err(stopped);
        }
        let modules = self.tour.door()?.modules()?;
        let sent = modules.iter().find(|module| module.id == "flooder").map_or(0, |module| module.frames_in);
        let slowest = format!("{:.1} ms", slowest.as_secs_f64() * 1_000.0);
        let (calls, sent) = (CALLS_DURING_FLOOD.to_string(), amount::count(sent));
        let seen = vec![self.tour.ctx.phrase(Phrase::DemoFloodSeen, &[&sent, &calls, &slowest])];
        let remark = self.tour.ctx.phrase(Phrase::DemoFloodRemark, &[]);
        self.step(Phrase::DemoFlood, "call flooder flood", seen, &remark)
    }

    fn wish(&mut self) -> Outcome<()> {
        let mut door = self.tour.door()?;
        let wish = self.find_wish(&mut door)?;
        let asked = render::permissions::one_line(&wish.permissions);
        let mut seen = vec![format!("curious: {asked} ({})", wish.reason.unwrap_or_default())];
        let change = PermissionChange { request_id: Some(wish.request_id), ..PermissionChange::default() };
        door.ask_raw(&Request::PermissionsDeny(change))?;
        let story: Story = door.ask(&Request::Why { module_id: "curious".to_owned(), limit: None })?;
        let ctx = &self.tour.ctx;
        let teller = Teller {
            theme: &ctx.theme,
            lang: ctx.lang,
            zone: &ctx.zone,
            now_ms: amount::now_ms(),
            command: "ostoja",
        };
        seen.push(ctx.theme.paint(Paint::Dim, "$ ostoja permissions deny curious; ostoja why curious"));
        seen.extend(teller.tell("curious", &story).lines().map(str::to_owned));
        let remark = ctx.phrase(Phrase::DemoWishRemark, &[]);
        self.step(Phrase::DemoWish, "permissions pending", seen, &remark)
    }

    /// The wish comes right after the module is ready; it may still be on its way.
    fn find_wish(&self, door: &mut Door) -> Outcome<PendingRow> {
        let mut decisions = self.tour.door()?;
        decisions.ask_raw(&Request::Events(EventsRequest::default()))?;
        let deadline = Instant::now().checked_add(STEP_WITHIN);
        loop {
            let pending: Vec<PendingRow> = door.ask(&Request::PermissionsPending {})?;
            if let Some(wish) = pending.into_iter().find(|row| row.module_id == "curious") {
                return Ok(wish);
            }
            // Every decision may have brought it.
            if decisions.next_event_until(deadline)?.is_none() {
                return Err(gone().into());
            }
        }
    }
}

/// The program as it was typed: whoever runs it from a folder may not have it on the path.
fn program() -> String {
    let typed = std::env::args().next().filter(|typed| typed.contains('/'));
    typed.map_or_else(|| "ostoja".to_owned(), |typed| shell_word(&typed))
}

fn call(door: &mut Door, service: &str, method: &str, params: Option<Value>) -> Outcome<Value> {
    let request =
        Request::Call { service: service.to_owned(), method: method.to_owned(), params, timeout_ms: None };
    Ok(door.ask_raw(&request)?.unwrap_or(Value::Null))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), clean)
}

fn gone() -> Failure {
    Failure::new("cli::demo::gone", "the demo's kernel stopped during the tour")
}
