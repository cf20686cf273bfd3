//! What a list of names and patterns is compiled to: two sorted tables.
//!
//! A name is looked up once among the exact ones, and once for each of its beginnings that end in `:` or `.` among the
//! stems. A text that is no pattern (`a*b`) means itself.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use abi::{Name, Pattern};

/// The compiled list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    exact: Box<[Name]>,
    stems: Box<[Name]>,
}

impl Rules {
    pub(crate) fn of(names: &BTreeSet<Name>) -> Self {
        let (mut exact, mut stems) = (Vec::new(), Vec::new());
        for name in names {
            match stem_of(name) {
                Some(stem) => stems.push(stem),
                None => exact.push(name.clone()),
            }
        }
        // The star at the end of what was sorted before may have decided the order.
        stems.sort();
        Self { exact: exact.into(), stems: stems.into() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.stems.is_empty()
    }

    pub(crate) fn stems(&self) -> &[Name] {
        &self.stems
    }

    /// Whether one of them means this name.
    pub(crate) fn matches(&self, name: &str) -> bool {
        holds(&self.exact, name) || self.is_under(name)
    }

    /// Whether a pattern among them means this name.
    pub(crate) fn is_under(&self, name: &str) -> bool {
        !self.stems.is_empty() && beginnings(name).any(|stem| holds(&self.stems, stem))
    }

    /// Whether a pattern among them means every name that begins with this stem.
    pub(crate) fn covers(&self, stem: &str) -> bool {
        holds(&self.stems, stem) || self.is_under(stem)
    }
}

fn holds(sorted: &[Name], name: &str) -> bool {
    sorted.binary_search_by(|one| one.as_str().cmp(name)).is_ok()
}

/// The stem of a pattern; nothing for what means itself.
pub(crate) fn stem_of(name: &Name) -> Option<Name> {
    if !name.as_str().ends_with('*') {
        return None;
    }
    match Pattern::parse(name.as_str())? {
        Pattern::Under(stem) => Some(stem),
        Pattern::Exact(_) => None,
    }
}

/// The beginnings of a name that a pattern may stand for, the longest first; never the whole name.
pub(crate) fn beginnings(name: &str) -> impl Iterator<Item = &str> {
    let inner = name.len().saturating_sub(1);
    let borders = name.bytes().take(inner).enumerate().rev();
    borders.filter(|(_, byte)| matches!(byte, b':' | b'.')).map(|(at, _)| &name[..=at])
}

#[cfg(test)]
mod tests;
