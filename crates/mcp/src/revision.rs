//! The revisions of MCP and what differs between them, as far as it reaches us.
//!
//! There are two eras. Until November 2025 a session begins with `initialize`, in which both sides say what they speak
//! and can do. The revision of July 2026 knows no session: each request carries its revision and the client's abilities
//! in `_meta`, `server/discover` says what a server can do, and a server that has a question answers with it.

#[cfg(test)]
mod tests;

/// A revision that this program speaks, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// The first one.
    November2024,
    /// With batches.
    March2025,
    /// Without batches; with questions to the user and structured results.
    June2025,
    /// With the same on the wire, as far as it is used here.
    November2025,
    /// Without sessions.
    July2026,
}

/// How a conversation is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// It begins with `initialize`.
    Sessions,
    /// Each request stands for itself.
    Stateless,
}

/// The field of `_meta` that names the revision.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The field of `_meta` with the client's name.
pub const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
/// The field of `_meta` with what the client can do.
pub const META_ABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The field of `_meta` with the server's name.
pub const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

impl Revision {
    /// All, the oldest first.
    pub const ALL: [Self; 5] =
        [Self::November2024, Self::March2025, Self::June2025, Self::November2025, Self::July2026];

    /// The newest that begins with `initialize`.
    pub const NEWEST_WITH_SESSIONS: Self = Self::November2025;

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::November2024 => "2024-11-05",
            Self::March2025 => "2025-03-26",
            Self::June2025 => "2025-06-18",
            Self::November2025 => "2025-11-25",
            Self::July2026 => "2026-07-28",
        }
    }

    /// The revision of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == name)
    }

    /// Which era it belongs to.
    pub fn era(self) -> Era {
        if self >= Self::July2026 { Era::Stateless } else { Era::Sessions }
    }

    /// What an `initialize` that asks for this name is answered with: the same, or the newest that has such a thing.
    pub fn agreed(asked: &str) -> Self {
        let known = Self::parse(asked).filter(|revision| revision.era() == Era::Sessions);
        known.unwrap_or(Self::NEWEST_WITH_SESSIONS)
    }

    /// Whether several messages may share a line.
    pub fn has_batches(self) -> bool {
        self == Self::March2025
    }

    /// Whether a server may ask the user.
    pub fn has_questions(self) -> bool {
        self >= Self::June2025
    }

    /// Whether a result may carry data beside its text.
    pub fn has_structure(self) -> bool {
        self >= Self::June2025
    }
}
