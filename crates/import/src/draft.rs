//! What was understood of a source, before it is written: modules as they will stand, what is left out and why, and
//! remarks about what could not be carried over.
//!
//! Readers fill a draft with the source's own names; [`Draft::settle`] then makes names that Ostoja takes, and drops
//! what can't stand: needs of what is not there, circles, values that are no values here. Each drop is a remark.

use std::collections::BTreeSet;
use std::fmt;

use abi::Permissions;
use abi::limits::MODULE_ID_BYTES_MAX;
use protocol::files::policy::Policy;
use serde_json::{Map, Value};

mod settle;
#[cfg(test)]
mod tests;

/// 60 remarks at one module: past that nobody reads them, and the rest is counted.
const REMARKS_MAX: usize = 60;

/// 400 characters: a remark is a sentence or two; what it repeats of the source may be longer.
const REMARK_CHARS_MAX: usize = 400;

/// Remarks in their order, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remarks {
    texts: Vec<String>,
    dropped: usize,
}

impl Remarks {
    /// Adds a sentence; line breaks and other control characters become blanks.
    pub fn add(&mut self, text: impl AsRef<str>) {
        let shown = |c: char| if c.is_control() || is_break(c) { ' ' } else { c };
        let mut text: String = text.as_ref().chars().take(REMARK_CHARS_MAX).map(shown).collect();
        if text.chars().count() == REMARK_CHARS_MAX {
            text.push('…');
        }
        if self.texts.contains(&text) {
            return;
        }
        if self.texts.len() < REMARKS_MAX {
            self.texts.push(text);
        } else {
            self.dropped += 1;
        }
    }

    /// Says that something is not carried over, and why.
    pub fn lost(&mut self, what: impl fmt::Display, why: &str) {
        self.add(format!("`{what}` is not carried over: {why}"));
    }

    /// All of them, the number of those that were too many at the end.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        let more = (self.dropped > 0).then(|| format!("and {} remarks more", self.dropped));
        self.texts.iter().cloned().chain(more)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// What YAML or a terminal takes for the end of a line.
fn is_break(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Where a module's program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// These words, the first a program.
    Words(Vec<String>),
    /// A command line, read as `ostoja.yaml` reads it.
    Text(String),
    /// A folder with a `module.json`.
    Folder(String),
}

/// One module.
#[derive(Clone, PartialEq)]
pub struct Module {
    /// Its name: the source's until the draft is settled.
    pub id: String,
    /// Its program.
    pub program: Program,
    /// What could not be carried over, and what is different.
    pub remarks: Remarks,
    /// The folder it runs in.
    pub cwd: Option<String>,
    /// Those that must be ready before: the source's names until the draft is settled.
    pub needs: Vec<String>,
    /// Its environment. Values may be secrets: `Debug` shows the names only.
    pub env: Vec<(String, String)>,
    /// Variables that are passed on.
    pub env_pass: Vec<String>,
    /// Spawn order.
    pub priority: Option<i64>,
    /// Whether it is started with the project.
    pub autostart: bool,
    /// What it may touch, where the source says so.
    pub permissions: Option<Permissions>,
    /// How it is kept alive. `on_give_up` may name no module here.
    pub policy: Policy,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Module")
            .field("id", &self.id)
            .field("program", &self.program)
            .field("remarks", &self.remarks)
            .field("needs", &self.needs)
            .field("env", &names)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Module {
    /// A module that says nothing but its command.
    pub fn new(name: &str, program: Program) -> Self {
        Self {
            id: name.to_owned(),
            program,
            remarks: Remarks::default(),
            cwd: None,
            needs: Vec::new(),
            env: Vec::new(),
            env_pass: Vec::new(),
            priority: None,
            autostart: true,
            permissions: None,
            policy: Policy::default(),
        }
    }

    /// Sets a variable; the last value of a name counts.
    pub fn set_env(&mut self, name: &str, value: impl Into<String>) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.into()));
    }

    /// Passes a variable on, once.
    pub fn pass_env(&mut self, name: &str) {
        if !self.env_pass.iter().any(|known| known == name) {
            self.env_pass.push(name.to_owned());
        }
    }
}

/// What is no module, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name in the source.
    pub name: String,
    /// Why, as the end of a sentence, and what would make it one.
    pub why: String,
}

/// One thing of the source.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// It runs.
    Module(Module),
    /// It can't.
    LeftOut(LeftOut),
}

/// Everything that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What it was made from, for the first line.
    pub title: String,
    /// The project's name.
    pub name: Option<String>,
    /// What concerns all of it.
    pub remarks: Remarks,
    /// In the order of the source.
    pub entries: Vec<Entry>,
    /// Sections of modules, as under `config`; null where there are none.
    pub config: Value,
    /// The kernel's own sections, by name.
    pub settings: Map<String, Value>,
}

impl Draft {
    /// Nothing yet, from this file.
    pub fn new(file: &str) -> Self {
        let title = file.rsplit('/').next().unwrap_or(file).to_owned();
        Self {
            title,
            name: None,
            remarks: Remarks::default(),
            entries: Vec::new(),
            config: Value::Null,
            settings: Map::new(),
        }
    }

    /// Adds a module.
    pub fn push(&mut self, module: Module) {
        self.entries.push(Entry::Module(module));
    }

    /// Notes what is no module.
    pub fn leave_out(&mut self, name: &str, why: impl Into<String>) {
        self.entries.push(Entry::LeftOut(LeftOut { name: name.to_owned(), why: why.into() }));
    }

    /// The modules, in their order.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Module(module) => Some(module),
            Entry::LeftOut(_) => None,
        })
    }

    /// What is left out, in its order.
    pub fn left_out(&self) -> impl Iterator<Item = &LeftOut> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::LeftOut(left_out) => Some(left_out),
            Entry::Module(_) => None,
        })
    }

    pub(crate) fn modules_mut(&mut self) -> impl Iterator<Item = &mut Module> {
        self.entries.iter_mut().filter_map(|entry| match entry {
            Entry::Module(module) => Some(module),
            Entry::LeftOut(_) => None,
        })
    }

    /// The same with names that Ostoja takes and without what can't stand.
    #[must_use]
    pub fn settle(mut self) -> Self {
        settle::programs(&mut self);
        settle::names(&mut self);
        settle::circles(&mut self);
        self.modules_mut().for_each(settle::environment);
        self
    }
}

/// The names of environments that most programs of the source got by inheritance; said once in a draft's head.
pub(crate) fn tell_environment(draft: &mut Draft) {
    draft.remarks.add(
        "The environment is built from nothing: a program sees PATH, HOME, LANG and the like, and what stands under \
         `env`; `env_pass: [NAME]` passes one more on.",
    );
}

/// A name that Ostoja takes, next to this one, and that is not taken yet.
fn id_for(name: &str, taken: &BTreeSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '-' };
    let mut id: String = name.chars().map(plain).collect();
    id = id.trim_matches(|c| matches!(c, '-' | '.')).to_owned();
    // Room for a number behind it.
    id.truncate(MODULE_ID_BYTES_MAX - 6);
    if id.is_empty() {
        id.push_str("module");
    }
    let mut candidate = id.clone();
    let mut number = 2_u32;
    while taken.contains(&candidate) {
        candidate = format!("{id}-{number}");
        number += 1;
    }
    candidate
}
