//! The zones of a kernel: how much a module is trusted, and so whom it may ever get in the way of.

use core::fmt;

/// Where a module lives. Zones are ordered by how soon they have to give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Zone {
    /// What is new or not trusted: it gives way first.
    Sandbox,
    /// What is relied upon; where modules are unless somebody says otherwise.
    #[default]
    Stable,
    /// What the kernel itself needs: it gives way last.
    System,
}

impl Zone {
    /// All zones, in the order in which they give way.
    pub const ALL: [Self; 3] = [Self::Sandbox, Self::Stable, Self::System];

    /// The zone's word in files, on the wire and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Stable => "stable",
            Self::System => "system",
        }
    }

    /// The zone of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|zone| zone.as_str() == word)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
