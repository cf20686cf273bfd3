//! The hash chain: how a record and the hash before it become its own hash.
//!
//! The hash of a record is SHA-256 over these bytes, in this order; numbers are unsigned and big-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 24 | the text `ostoja journal record 1\n`, so that no other file's hash can pass for a record's |
//! | 32 | the hash of the record before it; zeros for the first record of a chain |
//! | 8 | seq |
//! | 8 | wall time in milliseconds since the Unix epoch |
//! | 16 | boot id |
//! | 4 + n | length of the code, then the code in UTF-8 |
//! | 1, then 4 + n | 0 without a module; else 1, the length of its name, then the name |
//! | 1, then 8 | 0 without a generation; else 1, then the generation |
//! | 4 + n | length of the facts' JSON text, then the text as it is stored |
//!
//! Every part has a fixed or a stated length, so two different records never give the same bytes.

use sha2::{Digest as _, Sha256};

use super::entry::{BootId, Digest};

const DOMAIN: &[u8; 24] = b"ostoja journal record 1\n";

/// A record's parts as they are hashed and stored.
pub(super) struct Link<'a> {
    pub(super) prev: Digest,
    pub(super) seq: u64,
    pub(super) wall_ms: u64,
    pub(super) boot: BootId,
    pub(super) code: &'a str,
    pub(super) module: Option<&'a str>,
    pub(super) generation: Option<u64>,
    pub(super) facts: &'a str,
}

impl Link<'_> {
    /// The record's hash, as the table above says.
    pub(super) fn hash(&self) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        hasher.update(self.prev.0);
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.wall_ms.to_be_bytes());
        hasher.update(self.boot.0.to_be_bytes());
        update_text(&mut hasher, self.code);
        match self.module {
            None => hasher.update([0]),
            Some(module) => {
                hasher.update([1]);
                update_text(&mut hasher, module);
            }
        }
        match self.generation {
            None => hasher.update([0]),
            Some(generation) => {
                hasher.update([1]);
                hasher.update(generation.to_be_bytes());
            }
        }
        update_text(&mut hasher, self.facts);
        Digest(hasher.finalize().into())
    }
}

fn update_text(hasher: &mut Sha256, text: &str) {
    // SQLite itself holds no text of 4 GiB, so the length always fits; the cap only keeps this function total.
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    hasher.update(length.to_be_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests;
