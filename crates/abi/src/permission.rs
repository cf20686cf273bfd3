//! What a module may touch: eight kinds, each a set of texts.

use alloc::collections::BTreeSet;
use alloc::string::String;
use core::fmt;

use crate::{Pattern, Scope};

/// The kinds of permission a manifest can ask for: six for the system, two for what the kernel itself keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PermissionKind {
    /// Hosts, as `host` or `host:port`.
    Net,
    /// Paths to read.
    Read,
    /// Paths to write.
    Write,
    /// Names of environment variables.
    Env,
    /// Programs to run.
    Run,
    /// System information, by Deno's names.
    Sys,
    /// Context variables beyond its own: `session:chat`, `session:*`, `module:web`.
    Context,
    /// Names of secrets in the vault.
    Secrets,
}

impl PermissionKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 8] =
        [Self::Net, Self::Read, Self::Write, Self::Env, Self::Run, Self::Sys, Self::Context, Self::Secrets];

    /// The kind's word in files and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Read => "read",
            Self::Write => "write",
            Self::Env => "env",
            Self::Run => "run",
            Self::Sys => "sys",
            Self::Context => "context",
            Self::Secrets => "secrets",
        }
    }

    /// Why no module may ask for this value of the kind, as the end of a sentence; nothing when it may.
    pub fn refusal(self, value: &str) -> Option<&'static str> {
        match self {
            // A wildcard would hand over every secret of the kernel's own environment.
            Self::Env if value.contains('*') => Some("holds a `*`; name each variable"),
            Self::Env if value.contains('=') => Some("holds a `=`; name the variable without its value"),
            Self::Secrets if value.contains('*') => Some("holds a `*`; name each secret"),
            Self::Secrets if value.is_empty() => Some("is empty; name a secret"),
            Self::Context if !is_context_value(value) => {
                Some("is no context; write `session:NAME`, `session:*` or `module:NAME`")
            }
            _ => None,
        }
    }

    /// The kind with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A scope, or a pattern of scopes.
fn is_context_value(value: &str) -> bool {
    let stem = value.strip_suffix(['*']).map(|stem| stem.strip_suffix([':', '.']).unwrap_or(stem));
    match stem {
        None => Scope::parse(value).is_some(),
        Some("session" | "module") => Pattern::parse(value).is_some(),
        Some(stem) => Pattern::parse(value).is_some() && Scope::parse(stem).is_some(),
    }
}

impl fmt::Display for PermissionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of permissions. Values are compared as texts, exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Permissions {
    /// Hosts, as `host` or `host:port`.
    pub net: BTreeSet<String>,
    /// Paths to read.
    pub read: BTreeSet<String>,
    /// Paths to write.
    pub write: BTreeSet<String>,
    /// Names of environment variables.
    pub env: BTreeSet<String>,
    /// Programs to run.
    pub run: BTreeSet<String>,
    /// System information, by Deno's names.
    pub sys: BTreeSet<String>,
    /// Context variables beyond its own.
    pub context: BTreeSet<String>,
    /// Names of secrets.
    pub secrets: BTreeSet<String>,
}

impl Permissions {
    /// The values of one kind.
    pub fn of(&self, kind: PermissionKind) -> &BTreeSet<String> {
        match kind {
            PermissionKind::Net => &self.net,
            PermissionKind::Read => &self.read,
            PermissionKind::Write => &self.write,
            PermissionKind::Env => &self.env,
            PermissionKind::Run => &self.run,
            PermissionKind::Sys => &self.sys,
            PermissionKind::Context => &self.context,
            PermissionKind::Secrets => &self.secrets,
        }
    }

    /// The values of one kind, to change them.
    pub fn of_mut(&mut self, kind: PermissionKind) -> &mut BTreeSet<String> {
        match kind {
            PermissionKind::Net => &mut self.net,
            PermissionKind::Read => &mut self.read,
            PermissionKind::Write => &mut self.write,
            PermissionKind::Env => &mut self.env,
            PermissionKind::Run => &mut self.run,
            PermissionKind::Sys => &mut self.sys,
            PermissionKind::Context => &mut self.context,
            PermissionKind::Secrets => &mut self.secrets,
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        PermissionKind::ALL.into_iter().all(|kind| self.of(kind).is_empty())
    }

    /// Whether every value is also in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        PermissionKind::ALL.into_iter().all(|kind| self.of(kind).is_subset(other.of(kind)))
    }

    /// Whether any value is also in `other`.
    pub fn intersects(&self, other: &Self) -> bool {
        PermissionKind::ALL.into_iter().any(|kind| !self.of(kind).is_disjoint(other.of(kind)))
    }

    /// Adds all values of `other`.
    pub fn extend(&mut self, other: &Self) {
        for kind in PermissionKind::ALL {
            self.of_mut(kind).extend(other.of(kind).iter().cloned());
        }
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Self::default();
        for kind in PermissionKind::ALL {
            *left.of_mut(kind) = self.of(kind).difference(other.of(kind)).cloned().collect();
        }
        left
    }
}

impl fmt::Display for Permissions {
    /// `net api.example:443, read data` with the values in their sorted order; `nothing` for the empty set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for kind in PermissionKind::ALL {
            for value in self.of(kind) {
                write!(f, "{}{kind} {value}", if first { "" } else { ", " })?;
                first = false;
            }
        }
        if first { write!(f, "nothing") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
