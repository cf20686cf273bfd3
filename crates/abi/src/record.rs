//! What was decided, about whom, and why: one entry of the journal before it is written.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{Generation, ModuleId};

/// A value in a record. Never a payload, never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A number; its unit is the end of its name.
    Number(u64),
    /// A text from the system itself or a name that a user gave.
    Text(String),
}

/// One decision with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What happened, as `area.thing`: `module.ready`, `restart.planned`, `rpc.forbidden`.
    pub code: &'static str,
    /// Whom it concerns; nobody for the system itself.
    pub module: Option<ModuleId>,
    /// Which life of that module.
    pub generation: Option<Generation>,
    /// The values that made the decision, by name, in the order in which they are told.
    pub facts: Vec<(&'static str, Fact)>,
}

impl Record {
    /// A record with no facts yet.
    pub fn new(code: &'static str) -> Self {
        Self { code, module: None, generation: None, facts: Vec::new() }
    }

    /// Names the module.
    #[must_use]
    pub fn of(mut self, module: &ModuleId, generation: Option<Generation>) -> Self {
        self.module = Some(module.clone());
        self.generation = generation;
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, value: u64) -> Self {
        self.facts.push((name, Fact::Number(value)));
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, Fact::Text(value.into())));
        self
    }
}
