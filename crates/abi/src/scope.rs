//! Whose context variables these are: a module's own, or a session's.

use core::fmt;

use crate::ModuleId;

/// One namespace of context variables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A module's own variables.
    Module(ModuleId),
    /// Those of a session, which several modules share. A session's name is made like a module's.
    Session(ModuleId),
}

impl Scope {
    /// Reads `module:NAME` or `session:NAME`; nothing when it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        let name = ModuleId::parse(name).ok()?;
        match kind {
            "module" => Some(Self::Module(name)),
            "session" => Some(Self::Session(name)),
            _ => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(name) => write!(f, "module:{name}"),
            Self::Session(name) => write!(f, "session:{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
