//! The loop that asks, decides and tells: every few seconds a sample, at once when the configuration changed.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::operator::{ConfigTable, ConfigVerb, OnBehalf, Request, Role};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::outputs::{SendError, call, send, sentence};
use super::rules::{Measure, Output, Rule, Wishes};
use super::samples::{Answers, Trail};
use super::watch::{Firing, Level, Notification, Silence, Watch};
use crate::app::{App, now_ms, own};
use crate::kept;
use crate::options::WebError;

/// 5 s between two samples: whoever is called at night does not mind, and a kernel of 500 modules is asked for little.
const EVERY: Duration = Duration::from_secs(5);

/// 12 samples, a minute, between two looks at the configuration, beside those that a change asks for.
const CONFIG_EVERY: u32 = 12;

/// The configuration's section.
const SECTION: &str = "ostoja-web.alerts.";

/// 64 notifications wait for one output; of more, those that came last are lost and counted.
const WAITING_MAX: usize = 64;

/// 3 tries, the second after 2 s and the third after 8 s: a service that is started anew is back by then.
const TRIES: u32 = 3;
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// 9 s until a test says that it lasts too long; a host that is not found takes the longest.
const TOLD_WITHIN: Duration = Duration::from_secs(9);

/// 50 notifications are shown to those who look.
const TOLD_MAX: usize = 50;

/// Silences.
const FILE: &str = "silences.json";

/// How one output does.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Standing {
    /// How many were told.
    pub(crate) told: u64,
    /// How many could not be, after all tries or because too many waited.
    pub(crate) lost: u64,
    /// Why the last one could not be; nothing after one that could.
    pub(crate) error: Option<String>,
}

/// An output as it is shown: without its address.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OutputRow {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    #[serde(flatten)]
    pub(crate) standing: Standing,
}

#[derive(Debug, Default)]
struct Inner {
    watch: Watch,
    wishes: Wishes,
    /// What is wrong with the section; then the rules before it hold.
    trouble: Option<String>,
    lines: BTreeMap<String, Line>,
    told: VecDeque<Notification>,
}

/// The way to one output. It ends when the output is gone from the configuration.
#[derive(Debug)]
struct Line {
    output: Output,
    waiting: mpsc::Sender<Notification>,
    standing: Arc<Mutex<Standing>>,
    carrying: AbortHandle,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

/// What is known about alerts.
#[derive(Debug)]
pub(crate) struct Alerts {
    inner: Mutex<Inner>,
    file: kept::File,
    config: Notify,
    /// One test at a time: each takes a thread for each output.
    testing: tokio::sync::Mutex<()>,
}

impl Alerts {
    /// Reads the silences that were kept.
    ///
    /// # Errors
    /// [`WebError::State`].
    pub(crate) fn open(folder: &Path) -> Result<Self, WebError> {
        let file = kept::File::at(folder, FILE);
        let silences: Vec<Silence> = file.read()?;
        let mut inner = Inner::default();
        for silence in silences {
            inner.watch.silence(silence);
        }
        Ok(Self {
            inner: Mutex::new(inner),
            file,
            config: Notify::new(),
            testing: tokio::sync::Mutex::default(),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What is half changed after a panic is at worst told twice.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A decision of the kernel's was heard.
    pub(crate) fn heard(&self, code: &str) {
        if code.starts_with("config.") {
            self.config.notify_one();
        }
    }

    /// What fires, the worst first.
    pub(crate) fn firing(&self, now_ms: u64) -> Vec<Firing> {
        self.inner().watch.firing(now_ms)
    }

    /// What was told, the newest first.
    pub(crate) fn told(&self) -> Vec<Notification> {
        self.inner().told.iter().cloned().collect()
    }

    pub(crate) fn silences(&self, now_ms: u64) -> Vec<Silence> {
        self.inner().watch.silences(now_ms)
    }

    pub(crate) fn wishes(&self) -> Wishes {
        self.inner().wishes.clone()
    }

    /// Whether a rule looks at what modules use: to measure it is work for the kernel.
    fn looks_at_usage(&self) -> bool {
        let looks = |rule: &Rule| matches!(rule.what, Measure::Cpu | Measure::Memory);
        self.inner().wishes.rules.iter().any(looks)
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        self.inner().trouble.clone()
    }

    pub(crate) fn outputs(&self) -> Vec<OutputRow> {
        let inner = self.inner();
        let row = |line: &Line| OutputRow {
            name: line.output.name().to_owned(),
            kind: line.output.kind(),
            standing: line.standing.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        inner.lines.values().map(row).collect()
    }

    /// Begins a silence; gives it with its number.
    ///
    /// # Errors
    /// It could not be kept.
    pub(crate) fn silence(&self, mut silence: Silence, now_ms: u64) -> Result<Silence, WebError> {
        let mut inner = self.inner();
        silence.id = inner.watch.silence(silence.clone());
        if let Err(error) = self.file.write(&inner.watch.silences(now_ms)) {
            inner.watch.unsilence(silence.id);
            return Err(error);
        }
        Ok(silence)
    }

    /// Ends a silence; whether there was one.
    ///
    /// # Errors
    /// As [`Self::silence`].
    pub(crate) fn unsilence(&self, id: u64, now_ms: u64) -> Result<Option<Silence>, WebError> {
        let mut inner = self.inner();
        let ended = inner.watch.unsilence(id);
        self.file.write(&inner.watch.silences(now_ms))?;
        Ok(ended)
    }

    /// Tells outputs that this is a test: all, or the one of this name. Each with why it could not be told.
    pub(crate) async fn test(&self, app: &Arc<App>, only: Option<&str>) -> Vec<(String, Option<String>)> {
        let _one_at_a_time = self.testing.lock().await;
        let at_ms = now_ms();
        let test = Notification {
            rule: "test".to_owned(),
            subject: String::new(),
            level: Level::Warning,
            value: 0.0,
            since_ms: at_ms,
            at_ms,
        };
        let wanted = |output: &Output| only.is_none_or(|only| only == output.name());
        let outputs = self.wishes().outputs.into_iter().filter(wanted);
        let sendings: Vec<_> = outputs
            .map(|output| (output.name().to_owned(), tokio::spawn(told(app.clone(), output, test.clone()))))
            .collect();
        let mut results = Vec::new();
        for (name, sending) in sendings {
            let outcome = sending.await.unwrap_or_else(|_| Err("sending it died".to_owned()));
            results.push((name, outcome.err()));
        }
        results
    }

    /// Takes over what the configuration says; one that is wrong leaves what was.
    fn take(&self, app: &Arc<App>, read: Result<Wishes, String>) {
        let mut inner = self.inner();
        match read {
            Err(why) => {
                if inner.trouble.as_ref() != Some(&why) {
                    tracing::warn!(%why, "the alerts of the configuration are not taken over");
                }
                inner.trouble = Some(why);
            }
            Ok(wishes) => {
                inner.trouble = None;
                inner.lines.retain(|_, line| wishes.outputs.contains(&line.output));
                for output in &wishes.outputs {
                    let open = || Line::open(app.clone(), output.clone());
                    inner.lines.entry(output.name().to_owned()).or_insert_with(open);
                }
                inner.wishes = wishes;
            }
        }
    }

    /// Holds a sample against the rules and tells who is to be told.
    fn step(&self, trail: &mut Trail, now_ms: u64, answers: &Answers) {
        let sample = trail.sample(now_ms, answers);
        let mut inner = self.inner();
        let rules = inner.wishes.rules.clone();
        for notification in inner.watch.step(now_ms, &rules, &sample) {
            tracing::info!(rule = %notification.rule, subject = %notification.subject, level = ?notification.level, "alert");
            for line in inner.lines.values() {
                line.tell(&notification);
            }
            inner.told.push_front(notification);
            inner.told.truncate(TOLD_MAX);
        }
    }
}

impl Line {
    fn open(app: Arc<App>, output: Output) -> Self {
        let (waiting, rx) = mpsc::channel(WAITING_MAX);
        let standing = Arc::new(Mutex::default());
        let carrying = tokio::spawn(carry(app, output.clone(), rx, standing.clone())).abort_handle();
        Self { output, waiting, standing, carrying }
    }

    fn tell(&self, notification: &Notification) {
        if self.waiting.try_send(notification.clone()).is_err() {
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            standing.lost += 1;
        }
    }
}

/// Tells one output everything, in order, until nobody hands it any more.
async fn carry(
    app: Arc<App>,
    output: Output,
    mut rx: mpsc::Receiver<Notification>,
    standing: Arc<Mutex<Standing>>,
) {
    while let Some(notification) = rx.recv().await {
        let mut outcome = Ok(());
        for attempt in 0..TRIES {
            if attempt > 0 {
                sleep(TRY_AGAIN * 4_u32.pow(attempt - 1)).await;
            }
            outcome = told(app.clone(), output.clone(), notification.clone()).await;
            if outcome.is_ok() {
                break;
            }
        }
        let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => {
                standing.told += 1;
                standing.error = None;
            }
            Err(why) => {
                tracing::warn!(output = output.name(), %why, alert = %sentence(&notification), "nobody was told");
                standing.lost += 1;
                standing.error = Some(why);
            }
        }
    }
}

/// Tells one output: a service through the kernel, all others on a thread that may wait; why it could not.
async fn told(app: Arc<App>, output: Output, notification: Notification) -> Result<(), String> {
    if let Output::Call { service, method, .. } = &output {
        let (request, by) = (call(service, method, &notification), own());
        return match timeout(TOLD_WITHIN, app.door.ask(&request, &by)).await {
            Ok(Ok(response)) if response.ok => Ok(()),
            Ok(Ok(response)) => Err(response.error.unwrap_or_default()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(late()),
        };
    }
    let sending = tokio::task::spawn_blocking(move || send(&output, &notification));
    match timeout(TOLD_WITHIN, sending).await {
        Ok(Ok(done)) => done.map_err(|error| chain(&error)),
        Ok(Err(_)) => Err("sending it died".to_owned()),
        Err(_) => Err(late()),
    }
}

fn late() -> String {
    format!("it lasts longer than {} s", TOLD_WITHIN.as_secs())
}

/// An error with its cause.
fn chain(error: &SendError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Asks and tells until the process ends.
pub(crate) async fn run(app: Arc<App>) {
    let (mut trail, mut turn) = (Trail::default(), 0_u32);
    loop {
        if turn.is_multiple_of(CONFIG_EVERY)
            && let Some(table) =
                ask::<ConfigTable>(&app, Request::Config(ConfigVerb::List {}), &reader()).await
        {
            let section: Map<String, serde_json::Value> = table
                .entries
                .into_iter()
                .filter_map(|entry| Some((entry.key.strip_prefix(SECTION)?.to_owned(), entry.value)))
                .collect();
            app.alerts.take(&app, Wishes::read(&section));
        }
        let answers = Answers {
            kernel: ask(&app, Request::KernelStatus {}, &own()).await,
            modules: ask(&app, Request::ModuleList {}, &own()).await,
            usage: if app.alerts.looks_at_usage() {
                ask(&app, Request::Usage { interval_ms: None }, &own()).await
            } else {
                None
            },
        };
        app.alerts.step(&mut trail, now_ms(), &answers);
        turn = turn.wrapping_add(1);
        tokio::select! {
            () = sleep(EVERY) => {}
            () = app.alerts.config.notified() => turn = 0,
        }
    }
}

/// The configuration is for administrators; this process reads its own section of it and shows none of it.
fn reader() -> OnBehalf {
    OnBehalf { role: Role::Admin, ..own() }
}

async fn ask<T: DeserializeOwned>(app: &App, request: Request, by: &OnBehalf) -> Option<T> {
    let response = app.door.ask(&request, by).await.ok()?;
    serde_json::from_value(response.data.filter(|_| response.ok)?).ok()
}
