//! Chunks: pieces of a file that end where its content says so, so that a change moves only the cuts around it, and
//! each is known by the hash of its bytes.

use std::fmt;

use fastcdc::v2020::{Normalization, cut, select_masks};

/// 4 KiB: shorter chunks would cost more in the index than they save.
pub const CHUNK_BYTES_MIN: usize = 4 << 10;

/// 16 KiB: a change of one byte stores about as much, and 100 MB have about 6,000 chunks.
pub const CHUNK_BYTES_MEAN: usize = 16 << 10;

/// 32 KiB: two chunks that a change touches stay within 64 KiB, however little they compress.
pub const CHUNK_BYTES_MAX: usize = 32 << 10;

const _: () = assert!(CHUNK_BYTES_MIN < CHUNK_BYTES_MEAN && CHUNK_BYTES_MEAN < CHUNK_BYTES_MAX);

/// The BLAKE3 hash of a chunk's bytes, which is its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId(pub [u8; 32]);

impl ChunkId {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Reads the 64 hex digits that `Display` writes; nothing for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        // Capitals would be a second name for one thing.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", &blake3::Hash::from_bytes(self.0).to_hex()[..12])
    }
}

/// What follows the bytes at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// More bytes of the same file: a chunk is cut only where these can't move the cut.
    Open,
    /// Nothing: the last chunk ends with the bytes.
    Final,
}

/// The chunks of some bytes, in their order (FastCDC 2020).
///
/// Where a cut lies depends only on the bytes since the last one, so that a file may be cut buffer by buffer: what
/// [`Cuts::rest`] leaves is put in front of the next bytes.
#[derive(Debug, Clone)]
pub struct Cuts<'a> {
    rest: &'a [u8],
    end: End,
    masks: (u64, u64),
}

impl<'a> Cuts<'a> {
    /// Begins at the first byte, which is the first of the file or the first after a cut.
    pub fn new(bytes: &'a [u8], end: End) -> Self {
        Self { rest: bytes, end, masks: select_masks(CHUNK_BYTES_MEAN, Normalization::Level2) }
    }

    /// What has not been cut; less than [`CHUNK_BYTES_MAX`] bytes once there is no next chunk.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Cuts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let needed = match self.end {
            End::Open => CHUNK_BYTES_MAX,
            End::Final => 1,
        };
        if self.rest.len() < needed {
            return None;
        }
        let (small, large) = self.masks;
        let window = &self.rest[..self.rest.len().min(CHUNK_BYTES_MAX)];
        let (_, length) = cut(
            window,
            CHUNK_BYTES_MIN,
            CHUNK_BYTES_MEAN,
            CHUNK_BYTES_MAX,
            small,
            large,
            small << 1,
            large << 1,
        );
        let (chunk, rest) = self.rest.split_at(length.clamp(1, window.len()));
        self.rest = rest;
        Some(chunk)
    }
}

#[cfg(test)]
pub(crate) mod tests;
