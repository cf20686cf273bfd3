//! What the journal gives back: a record with its place in the chain.

use std::fmt;

use abi::{Fact, Generation, ModuleId, Wall};

/// One run of the kernel, so that records of different runs can be told apart although clocks jump.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootId(pub u128);

/// A text is not a boot id: 32 hexadecimal digits, with or without dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not 32 hexadecimal digits")]
pub struct BootIdError;

impl BootId {
    /// A new one, as the operating system's random numbers give it.
    ///
    /// # Errors
    /// When `/proc/sys/kernel/random/uuid` can't be read.
    pub fn fresh() -> std::io::Result<Self> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
        Self::parse(text.trim()).map_err(std::io::Error::other)
    }

    /// Reads it as `Display` writes it, or as a UUID.
    ///
    /// # Errors
    /// `BootIdError` when it is neither.
    pub fn parse(text: &str) -> Result<Self, BootIdError> {
        let digits: String = text.chars().filter(|found| *found != '-').collect();
        // `from_str_radix` would take a sign.
        if digits.len() != 32 || !digits.bytes().all(|found| found.is_ascii_hexdigit()) {
            return Err(BootIdError);
        }
        u128::from_str_radix(&digits, 16).map(Self).map_err(|_| BootIdError)
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Stands before the first record of a chain.
    pub const NONE: Self = Self([0; 32]);

    /// Reads 64 hexadecimal digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A record as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the chain; the first is 1.
    pub seq: u64,
    /// When it was decided.
    pub wall: Wall,
    /// In which run of the kernel.
    pub boot: BootId,
    /// What happened, as `area.thing`.
    pub code: String,
    /// Whom it concerns; nobody for the system itself.
    pub module: Option<ModuleId>,
    /// Which life of that module.
    pub generation: Option<Generation>,
    /// The values that made the decision, in the order in which they were told.
    pub facts: Vec<(String, Fact)>,
    /// The hash of the record before it; all zeros for the first.
    pub prev: Digest,
    /// Its own hash.
    pub hash: Digest,
}

#[cfg(test)]
mod tests;
