//! What a function is called by its content: the hash of its binary form, so that text and binary are one function.

use std::fmt;

/// The BLAKE3 hash of a function's binary form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId([u8; 32]);

impl ContentId {
    /// The hash of these bytes.
    pub fn of(binary: &[u8]) -> Self {
        Self(*blake3::hash(binary).as_bytes())
    }

    /// Reads 64 lower-case hexadecimal digits, as `Display` writes them.
    pub fn parse(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text)
            .ok()
            .map(|hash| Self(*hash.as_bytes()))
            .filter(|id| id.to_string() == text)
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
