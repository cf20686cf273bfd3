//! What the screen knows and how that changes: events in, wishes out. Nothing here reads a clock, a key or a socket, so
//! that a test plays a whole evening at it.

use std::collections::BTreeMap;

use protocol::operator::{
    KernelStatus, LogPage, LogsRequest, ModuleDetail, ModuleStatus, PendingRow, PermissionChange,
    PermissionRow, Request, Role, Story, UsageTable,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::log::Log;
use self::meter::Meter;
use super::keys::Key;
use super::words::Word;
use crate::lang::Lang;

mod command;
mod log;
mod meter;

#[cfg(test)]
pub(in crate::tui) mod tests;

/// 500 lines of a log are held: some pages back; `ostoja logs` has the rest.
const LOG_LINES: u32 = 500;

/// 50 records of a story.
const STORY_RECORDS: u32 = 50;

/// 200 characters may be typed into the line at the bottom.
const INPUT_CHARS_MAX: usize = 200;

/// 10 rows are a page up or down, whatever the height: the view knows it, the state does not.
const PAGE_ROWS: usize = 10;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Modules,
    Logs,
    Describe,
    Approvals,
    Zones,
    Help,
}

/// What an answer belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tag {
    Kernel,
    Modules,
    Usage,
    Pending,
    Permissions,
    Detail(String),
    Story(String),
    Logs(String),
    /// A change, told by these words when it is done.
    Changed(String),
}

/// What comes from outside.
#[derive(Debug)]
pub(super) enum Event {
    Key(Key),
    /// A second has gone by.
    Tick,
    Answer(Tag, Result<Value, String>),
    /// The kernel does not answer.
    Gone(String),
}

/// What is to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wish {
    Ask(Tag, Box<Request>),
    Quit,
}

/// The line at the bottom, while something is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Command(String),
    Filter(String),
}

/// Something that waits for a yes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) words: String,
    request: Box<Request>,
}

/// Everything.
#[derive(Debug)]
pub(super) struct App {
    pub(super) lang: Lang,
    role: Role,
    pub(super) view: View,
    pub(super) kernel: Option<KernelStatus>,
    /// Why it does not answer.
    pub(super) gone: Option<String>,
    pub(super) modules: Vec<ModuleStatus>,
    pub(super) meters: BTreeMap<String, Meter>,
    pub(super) selected: usize,
    pub(super) filter: String,
    pub(super) input: Option<Input>,
    pub(super) question: Option<Question>,
    /// What was said last.
    pub(super) notice: Option<String>,
    pub(super) log: Log,
    pub(super) detail: Option<ModuleDetail>,
    pub(super) story: Option<Story>,
    pub(super) scroll: usize,
    pub(super) pending: Vec<PendingRow>,
    pub(super) permissions: Vec<PermissionRow>,
}

impl App {
    pub(super) fn new(lang: Lang, role: Role) -> Self {
        Self {
            lang,
            role,
            view: View::Modules,
            kernel: None,
            gone: None,
            modules: Vec::new(),
            meters: BTreeMap::new(),
            selected: 0,
            filter: String::new(),
            input: None,
            question: None,
            notice: None,
            log: Log::default(),
            detail: None,
            story: None,
            scroll: 0,
            pending: Vec::new(),
            permissions: Vec::new(),
        }
    }

    /// Whether nothing can be changed from here; the kernel holds the same role against every request.
    pub(super) fn is_read_only(&self) -> bool {
        self.role < Role::Operator
    }

    pub(super) fn say(&self, word: Word) -> &'static str {
        word.text(self.lang)
    }

    /// The modules that pass the filter.
    pub(super) fn shown(&self) -> Vec<&ModuleStatus> {
        let wanted = self.filter.to_lowercase();
        let passes = |module: &&ModuleStatus| {
            module.id.to_lowercase().contains(&wanted) || module.status.contains(&wanted)
        };
        self.modules.iter().filter(passes).collect()
    }

    pub(super) fn chosen(&self) -> Option<String> {
        self.shown().get(self.selected).map(|module| module.id.clone())
    }

    /// Something has happened.
    pub(super) fn update(&mut self, event: Event) -> Vec<Wish> {
        match event {
            Event::Key(key) => self.key(key),
            Event::Tick => self.looks(),
            Event::Gone(why) => {
                self.gone = Some(why);
                Vec::new()
            }
            Event::Answer(tag, answer) => {
                self.gone = None;
                self.take(tag, answer)
            }
        }
    }

    /// What has to be known for what is shown.
    fn looks(&self) -> Vec<Wish> {
        let mut looks = vec![
            ask(Tag::Kernel, Request::KernelStatus {}),
            ask(Tag::Modules, Request::ModuleList {}),
            ask(Tag::Usage, Request::Usage { interval_ms: None }),
        ];
        match self.view {
            View::Modules | View::Zones | View::Help => {}
            View::Logs => looks.push(self.look_at_log()),
            View::Describe => {
                looks.extend(self.detail.as_ref().map(|_| self.look_at_detail()).into_iter().flatten())
            }
            View::Approvals => looks.extend([
                ask(Tag::Pending, Request::PermissionsPending {}),
                ask(Tag::Permissions, Request::PermissionsList { module_id: None }),
            ]),
        }
        looks
    }

    fn look_at_log(&self) -> Wish {
        let modules = vec![self.log.module.clone()];
        let request = LogsRequest { modules, lines: Some(LOG_LINES), ..LogsRequest::default() };
        ask(Tag::Logs(self.log.module.clone()), Request::Logs(request))
    }

    fn look_at_detail(&self) -> Vec<Wish> {
        let Some(detail) = &self.detail else { return Vec::new() };
        describe(&detail.status.id)
    }

    fn take(&mut self, tag: Tag, answer: Result<Value, String>) -> Vec<Wish> {
        let data = match answer {
            Ok(data) => data,
            Err(why) => {
                self.notice = Some(why);
                return Vec::new();
            }
        };
        match tag {
            Tag::Kernel => self.kernel = read(data).or(self.kernel.take()),
            Tag::Modules => {
                self.modules = read(data).unwrap_or_default();
                self.selected = self.selected.min(self.shown().len().saturating_sub(1));
            }
            Tag::Usage => self.measure(read(data)),
            Tag::Pending => {
                self.pending = read(data).unwrap_or_default();
                if self.view == View::Approvals {
                    self.selected = self.selected.min(self.pending.len().saturating_sub(1));
                }
            }
            Tag::Permissions => self.permissions = read(data).unwrap_or_default(),
            Tag::Detail(_) => self.detail = read(data),
            Tag::Story(_) => self.story = read(data),
            Tag::Logs(module) if module == self.log.module => {
                self.log.lines = read::<LogPage>(data).map(|page| page.lines).unwrap_or_default();
                self.log.back = self.log.back.min(self.log.lines.len().saturating_sub(1));
            }
            Tag::Logs(_) => {}
            Tag::Changed(words) => {
                self.notice = Some(words);
                return self.looks();
            }
        }
        Vec::new()
    }

    fn measure(&mut self, table: Option<UsageTable>) {
        let Some(table) = table else { return };
        self.meters.retain(|id, _| table.modules.iter().any(|row| row.id == *id));
        for row in &table.modules {
            let meter = self.meters.entry(row.id.clone()).or_default();
            meter.rss_bytes = row.rss_bytes;
            meter.measure(table.ts_ms, row.cpu_ms, row.frames);
        }
    }

    fn key(&mut self, key: Key) -> Vec<Wish> {
        if key == Key::Interrupt {
            return vec![Wish::Quit];
        }
        if let Some(question) = self.question.take() {
            return self.answer(question, key);
        }
        if let Some(input) = self.input.take() {
            return self.type_into(input, key);
        }
        self.notice = None;
        match key {
            Key::Char(':') => self.input = Some(Input::Command(String::new())),
            Key::Char('/') => self.input = Some(Input::Filter(String::new())),
            Key::Char('?') => self.show(View::Help),
            Key::Char('q') if self.view == View::Modules => return vec![Wish::Quit],
            Key::Char('q' | 'h') | Key::Escape | Key::Left => self.back(),
            _ => return self.key_in_view(key),
        }
        Vec::new()
    }

    fn back(&mut self) {
        if self.view == View::Modules {
            self.filter.clear();
        }
        self.show(View::Modules);
    }

    fn show(&mut self, view: View) {
        if view != self.view {
            self.selected = 0;
        }
        self.view = view;
        self.scroll = 0;
    }

    fn key_in_view(&mut self, key: Key) -> Vec<Wish> {
        match (self.view, key) {
            (View::Modules | View::Approvals, Key::Up | Key::Char('k')) => self.step(-1),
            (View::Modules | View::Approvals, Key::Down | Key::Char('j')) => self.step(1),
            (View::Modules | View::Approvals, Key::PageUp) => self.step(-(PAGE_ROWS as isize)),
            (View::Modules | View::Approvals, Key::PageDown) => self.step(PAGE_ROWS as isize),
            (View::Modules | View::Approvals, Key::Home | Key::Char('g')) => self.selected = 0,
            (View::Modules | View::Approvals, Key::End | Key::Char('G')) => self.step(isize::MAX),
            (View::Modules, _) => return self.key_for_module(key),
            (View::Approvals, Key::Char('y')) => self.decide(Request::PermissionsGrant, Word::AskGrant),
            (View::Approvals, Key::Char('n')) => self.decide(Request::PermissionsDeny, Word::AskDeny),
            (View::Logs, Key::Char('f') | Key::End | Key::Char('G')) => self.log.back = 0,
            (View::Logs, Key::Up | Key::Char('k')) => self.log.scroll_back(1),
            (View::Logs, Key::PageUp) => self.log.scroll_back(PAGE_ROWS),
            (View::Logs, Key::Down | Key::Char('j')) => self.log.back = self.log.back.saturating_sub(1),
            (View::Logs, Key::PageDown) => self.log.back = self.log.back.saturating_sub(PAGE_ROWS),
            (View::Logs, Key::Home | Key::Char('g')) => self.log.scroll_back(usize::MAX),
            (View::Logs, Key::Char('n')) => self.log.find_from(self.log.back + 1),
            (View::Logs, Key::Char('N')) => self.log.find_newer(),
            (_, Key::Up | Key::Char('k')) => self.scroll = self.scroll.saturating_sub(1),
            (_, Key::Down | Key::Char('j')) => self.scroll += 1,
            (_, Key::PageUp) => self.scroll = self.scroll.saturating_sub(PAGE_ROWS),
            (_, Key::PageDown) => self.scroll += PAGE_ROWS,
            (_, Key::Home | Key::Char('g')) => self.scroll = 0,
            (View::Describe, Key::Char('l')) => {
                let module = self.detail.as_ref().map(|detail| detail.status.id.clone());
                return module.map(|module| self.open_log(module)).unwrap_or_default();
            }
            _ => {}
        }
        Vec::new()
    }

    fn key_for_module(&mut self, key: Key) -> Vec<Wish> {
        match key {
            Key::Char('a') => return self.open_approvals(),
            Key::Char('z') => self.show(View::Zones),
            _ => {}
        }
        let Some(module) = self.chosen() else { return Vec::new() };
        match key {
            Key::Enter | Key::Right | Key::Char('d') => return self.open_detail(module),
            Key::Char('l') => return self.open_log(module),
            Key::Char('s') => self.propose(&module, Change::Start),
            Key::Char('x') => self.propose(&module, Change::Stop),
            Key::Char('r') => self.propose(&module, Change::Restart),
            _ => {}
        }
        Vec::new()
    }

    fn step(&mut self, by: isize) {
        let rows = if self.view == View::Approvals { self.pending.len() } else { self.shown().len() };
        self.selected = self.selected.saturating_add_signed(by).min(rows.saturating_sub(1));
    }

    fn open_detail(&mut self, module: String) -> Vec<Wish> {
        self.show(View::Describe);
        (self.detail, self.story) = (None, None);
        describe(&module)
    }

    fn open_log(&mut self, module: String) -> Vec<Wish> {
        self.show(View::Logs);
        self.log = Log { module, ..Log::default() };
        vec![self.look_at_log()]
    }

    fn open_approvals(&mut self) -> Vec<Wish> {
        self.show(View::Approvals);
        self.looks()
    }

    fn propose(&mut self, module: &str, change: Change) {
        if self.is_read_only() {
            self.notice = Some(self.say(Word::ReadOnlyHere).to_owned());
            return;
        }
        let (word, request) = change.of(module);
        let words = self.say(word).replace("{0}", module);
        self.question = Some(Question { words, request: Box::new(request) });
    }

    fn decide(&mut self, request: fn(PermissionChange) -> Request, word: Word) {
        let Some(row) = self.pending.get(self.selected) else { return };
        if self.role < Role::Admin {
            self.notice = Some(self.say(Word::ReadOnlyHere).to_owned());
            return;
        }
        let module = row.module_id.clone();
        // A module whose first approval is missing has a wish without a number.
        let request = match (row.request_id.is_empty(), word) {
            (true, Word::AskGrant) => Request::ModuleApprove { module_id: module.clone(), dry_run: false },
            (true, _) => return,
            (false, _) => {
                let request_id = Some(row.request_id.clone());
                request(PermissionChange { request_id, ..PermissionChange::default() })
            }
        };
        let words = self.say(word).replace("{0}", &module);
        self.question = Some(Question { words, request: Box::new(request) });
    }

    fn answer(&mut self, question: Question, key: Key) -> Vec<Wish> {
        // `t` is Polish for yes.
        match key {
            Key::Char('y' | 'Y' | 't' | 'T') => {
                self.notice = Some(self.say(Word::UnderWay).to_owned());
                vec![Wish::Ask(Tag::Changed(self.say(Word::Done).to_owned()), question.request)]
            }
            Key::Char(_) | Key::Escape | Key::Enter => {
                self.notice = Some(self.say(Word::NothingChanged).to_owned());
                Vec::new()
            }
            _ => {
                self.question = Some(question);
                Vec::new()
            }
        }
    }

    fn type_into(&mut self, mut input: Input, key: Key) -> Vec<Wish> {
        let text = match &mut input {
            Input::Command(text) | Input::Filter(text) => text,
        };
        match key {
            Key::Char(found) if text.chars().count() < INPUT_CHARS_MAX => text.push(found),
            Key::Backspace if text.is_empty() => return Vec::new(),
            Key::Backspace => {
                text.pop();
            }
            Key::Escape => {
                self.narrow_if_filter(&input, "");
                return Vec::new();
            }
            Key::Enter => {
                return match input {
                    Input::Command(text) => self.command(text.trim()),
                    Input::Filter(text) => {
                        self.narrow(&text);
                        Vec::new()
                    }
                };
            }
            _ => {}
        }
        if let Input::Filter(text) = &input {
            let text = text.clone();
            self.narrow(&text);
        }
        self.input = Some(input);
        Vec::new()
    }

    fn narrow_if_filter(&mut self, input: &Input, text: &str) {
        if matches!(input, Input::Filter(_)) {
            self.narrow(text);
        }
    }

    /// A filter narrows the table at once; in a log it is what is searched for.
    fn narrow(&mut self, text: &str) {
        if self.view == View::Logs {
            text.clone_into(&mut self.log.search);
            self.log.find_from(self.log.back);
            return;
        }
        text.clone_into(&mut self.filter);
        self.selected = 0;
        if self.view != View::Modules {
            self.show(View::Modules);
        }
    }
}

/// A change of one module.
#[derive(Debug, Clone, Copy)]
enum Change {
    Start,
    Stop,
    Restart,
}

impl Change {
    fn of(self, module: &str) -> (Word, Request) {
        let (module_id, dry_run) = (module.to_owned(), false);
        match self {
            Self::Start => (Word::AskStart, Request::ModuleStart { module_id, dry_run }),
            Self::Stop => (Word::AskStop, Request::ModuleStop { module_id, dry_run }),
            Self::Restart => (Word::AskRestart, Request::ModuleRestart { module_id, dry_run }),
        }
    }
}

fn ask(tag: Tag, request: Request) -> Wish {
    Wish::Ask(tag, Box::new(request))
}

fn describe(module: &str) -> Vec<Wish> {
    let module_id = || module.to_owned();
    vec![
        ask(Tag::Detail(module_id()), Request::ModuleShow { module_id: module_id() }),
        ask(Tag::Story(module_id()), Request::Why { module_id: module_id(), limit: Some(STORY_RECORDS) }),
    ]
}

fn read<T: DeserializeOwned>(data: Value) -> Option<T> {
    serde_json::from_value(data).ok()
}
