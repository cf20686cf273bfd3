//! A name, or all names that begin alike: the one kind of wildcard that rights know.

use core::fmt;

use crate::Name;

/// A name as it is, or the beginning of names.
///
/// A `*` stands only at the end, and only after a `:` or a `.`: `session:*`, `db.read.*`. So a pattern ends at the
/// border of a part of a name, and `data*` can never come to mean `database` too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// This name alone.
    Exact(Name),
    /// Every name that begins with this text, which ends in `:` or `.`.
    Under(Name),
}

impl Pattern {
    /// Reads a pattern; nothing when a `*` stands where none may, or the text is too long to be a name.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('*') {
            None => Name::parse(text).ok().map(Self::Exact),
            Some((stem, "")) if stem.ends_with([':', '.']) => Name::parse(stem).ok().map(Self::Under),
            Some(_) => None,
        }
    }

    /// Whether it means this name. The beginning alone is no name under it: `db.*` does not mean `db.`.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.as_str() == name,
            Self::Under(stem) => name.len() > stem.as_str().len() && name.starts_with(stem.as_str()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => write!(f, "{name}"),
            Self::Under(stem) => write!(f, "{stem}*"),
        }
    }
}

#[cfg(test)]
mod tests;
