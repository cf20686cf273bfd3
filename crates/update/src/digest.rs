//! The two hashes by which a package knows a file: SHA-256, which TUF names, and BLAKE3, in case one of them falls.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Both hashes of one file's bytes, and their number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// BLAKE3.
    pub blake3: [u8; 32],
    /// How many bytes they are of.
    pub bytes: u64,
}

impl Digests {
    /// Hashes what is at hand.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digester = Digester::default();
        digester.update(bytes);
        digester.finish()
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: &[u8; 32]| blake3::Hash::from_bytes(*bytes).to_hex();
        write!(f, "sha256:{} blake3:{} ({} bytes)", hex(&self.sha256), hex(&self.blake3), self.bytes)
    }
}

/// Hashes a file piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Digester {
    sha256: Sha256,
    blake3: blake3::Hasher,
    bytes: u64,
}

impl Digester {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.blake3.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// How many bytes were taken.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The hashes of all that was taken.
    pub fn finish(self) -> Digests {
        let sha256 = self.sha256.finalize().into();
        Digests { sha256, blake3: *self.blake3.finalize().as_bytes(), bytes: self.bytes }
    }
}

#[cfg(test)]
mod tests;
