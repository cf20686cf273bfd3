//! Bales: files that hold many chunks, written once and never changed, so that staging an update needs one sync
//! instead of one for each chunk.
//!
//! ```text
//! magic 8 │ stored chunks, one behind the other │ index: 45 bytes a chunk │ tail 52 bytes
//! tail: number of chunks u32 · length of the file u64 · BLAKE3 of all but the chunks · magic 8
//! ```
//! Numbers are little-endian. The hash in the tail is the bale's name, and each chunk is held by its own: together
//! they leave no byte unchecked.

use std::fmt;

use crate::chunk::{CHUNK_BYTES_MAX, ChunkId};

/// The first bytes of a bale; another format gets another number.
pub const BALE_HEAD: &[u8; 8] = b"OSTBALE1";

/// The last bytes of a bale.
const FOOT: &[u8; 8] = b"OSTBEND1";

/// Name, stored length, own length, form, check of what is stored.
const ENTRY_BYTES: usize = 32 + 4 + 4 + 1 + CHECK_BYTES;

/// 4 bytes of a hash: compressed bytes may change without the chunk changing, and are to be found all the same.
const CHECK_BYTES: usize = 4;

/// Number of chunks, length of the file, hash, last magic.
pub const TAIL_BYTES: usize = 4 + 8 + 32 + 8;

/// 16 MiB of stored chunks: what a writer holds in memory, and what a cleaning rewrites at once.
pub const BALE_BYTES_MAX: usize = 16 << 20;

/// 256 Ki chunks: bounds the index of a bale of very short chunks (11 MiB).
const ENTRIES_MAX: usize = 256 << 10;

/// Level 3: the usual balance; the next ones cost twice the time for a few per cent.
const LEVEL: i32 = 3;

/// A chunk is stored as it is unless compression saves one byte in sixteen: reading it back is then free.
const WORTH: usize = 16;

/// The name of a bale: the hash of its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaleId(pub ChunkId);

impl fmt::Display for BaleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a chunk's bytes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    Plain,
    /// One zstd frame.
    Zstd,
}

/// Where a chunk lies in its bale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaleEntry {
    /// Its name.
    pub id: ChunkId,
    /// The first stored byte, counted from the start of the bale.
    pub at: u64,
    /// How many bytes are stored.
    pub stored: u32,
    /// How many bytes the chunk has.
    pub bytes: u32,
    /// How they are stored.
    pub form: Form,
    /// The beginning of the hash of what is stored.
    check: [u8; CHECK_BYTES],
}

impl BaleEntry {
    /// Whether these are the very bytes that were stored. Others may still make the chunk that the name says.
    pub fn is_as_stored(&self, stored: &[u8]) -> bool {
        check_of(stored) == self.check
    }
}

fn check_of(stored: &[u8]) -> [u8; CHECK_BYTES] {
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&ChunkId::of(stored).0[..CHECK_BYTES]);
    check
}

/// Why a file is no bale, or a chunk of it is not what its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaleFlaw {
    /// It does not begin or end as a bale does.
    #[error("the file is not a bale of chunks, or a part of it is missing")]
    Magic,
    /// Its parts are longer or shorter than the file.
    #[error("the parts of a bale are longer or shorter than its file")]
    Length,
    /// Its index is not the one that was written.
    #[error("the index of a bale is damaged")]
    Index,
    /// A chunk's stored bytes can't be decompressed.
    #[error("a chunk can't be decompressed")]
    Compression,
    /// A chunk's bytes have another hash than its name.
    #[error("a chunk's bytes are not those of its name")]
    Hash,
}

/// Compresses and decompresses chunks, keeping its work space between them.
pub struct Press {
    squeeze: zstd::bulk::Compressor<'static>,
    expand: zstd::bulk::Decompressor<'static>,
}

impl fmt::Debug for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Press").finish_non_exhaustive()
    }
}

impl Press {
    /// Gets its work space, some 1 MiB.
    ///
    /// # Errors
    /// `BaleFlaw::Compression` when the library gets no memory.
    pub fn new() -> Result<Self, BaleFlaw> {
        let squeeze = zstd::bulk::Compressor::new(LEVEL).map_err(|_| BaleFlaw::Compression)?;
        let expand = zstd::bulk::Decompressor::new().map_err(|_| BaleFlaw::Compression)?;
        Ok(Self { squeeze, expand })
    }

    /// The bytes of a chunk, from those that its bale stores.
    ///
    /// # Errors
    /// `BaleFlaw::Compression` or `BaleFlaw::Hash` when they are not the chunk's.
    pub fn unpack(&mut self, entry: &BaleEntry, stored: &[u8]) -> Result<Vec<u8>, BaleFlaw> {
        let bytes = match entry.form {
            Form::Plain => stored.to_vec(),
            // No more memory than the index allows, whatever the frame says of itself.
            Form::Zstd => {
                self.expand.decompress(stored, entry.bytes as usize).map_err(|_| BaleFlaw::Compression)?
            }
        };
        if bytes.len() != entry.bytes as usize || ChunkId::of(&bytes) != entry.id {
            return Err(BaleFlaw::Hash);
        }
        Ok(bytes)
    }
}

/// A finished bale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bale {
    /// Its name.
    pub id: BaleId,
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What is in it, in the order in which it was added.
    pub entries: Vec<BaleEntry>,
}

/// Gathers chunks for one bale.
#[derive(Debug)]
pub struct BaleWriter {
    bytes: Vec<u8>,
    entries: Vec<BaleEntry>,
}

impl Default for BaleWriter {
    fn default() -> Self {
        Self { bytes: BALE_HEAD.to_vec(), entries: Vec::new() }
    }
}

impl BaleWriter {
    /// Adds a chunk under its name; the caller adds each only once.
    ///
    /// # Panics
    /// When the chunk is longer than a chunk may be, which is a mistake of the caller.
    pub fn push(&mut self, id: ChunkId, chunk: &[u8], press: &mut Press) {
        assert!(chunk.len() <= CHUNK_BYTES_MAX, "a chunk keeps its limit");
        let squeezed = press.squeeze.compress(chunk).ok();
        let worth_it = chunk.len() - chunk.len() / WORTH;
        let (form, stored) = match &squeezed {
            Some(squeezed) if squeezed.len() < worth_it => (Form::Zstd, squeezed.as_slice()),
            _ => (Form::Plain, chunk),
        };
        self.push_stored(id, chunk.len(), form, stored);
    }

    /// Adds a chunk as another bale stores it, unpacked by nobody.
    pub fn push_as_is(&mut self, entry: &BaleEntry, stored: &[u8]) {
        self.push_stored(entry.id, entry.bytes as usize, entry.form, stored);
    }

    fn push_stored(&mut self, id: ChunkId, length: usize, form: Form, stored: &[u8]) {
        let at = self.bytes.len() as u64;
        // Both are at most 32 KiB.
        let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (stored_bytes, bytes, check) = (short(stored.len()), short(length), check_of(stored));
        self.entries.push(BaleEntry { id, at, stored: stored_bytes, bytes, form, check });
        self.bytes.extend_from_slice(stored);
    }

    /// Whether the next chunk belongs into another bale.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BALE_BYTES_MAX || self.entries.len() >= ENTRIES_MAX
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes stored so far.
    pub fn stored_bytes(&self) -> usize {
        self.bytes.len() - BALE_HEAD.len()
    }

    /// The bale.
    pub fn finish(self) -> Bale {
        let Self { mut bytes, entries } = self;
        let body_end = bytes.len();
        for entry in &entries {
            bytes.extend_from_slice(&entry.id.0);
            bytes.extend_from_slice(&entry.stored.to_le_bytes());
            bytes.extend_from_slice(&entry.bytes.to_le_bytes());
            bytes.push(match entry.form {
                Form::Plain => 0,
                Form::Zstd => 1,
            });
            bytes.extend_from_slice(&entry.check);
        }
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let length = (bytes.len() + TAIL_BYTES) as u64;
        let id = name(&bytes[body_end..], count, length);
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&id.0.0);
        bytes.extend_from_slice(FOOT);
        Bale { id, bytes, entries }
    }
}

/// The hash of all of a bale that no chunk's name covers.
fn name(index: &[u8], count: u32, length: u64) -> BaleId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(BALE_HEAD).update(index).update(&count.to_le_bytes()).update(&length.to_le_bytes());
    BaleId(ChunkId(*hasher.finalize().as_bytes()))
}

/// The end of a bale, which says where its index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaleTail {
    id: BaleId,
    count: u32,
    length: u64,
}

impl BaleTail {
    /// Reads the last [`TAIL_BYTES`] bytes of a file that is `length` bytes long.
    ///
    /// # Errors
    /// `BaleFlaw` when they are not the end of a bale of this length.
    pub fn parse(tail: &[u8; TAIL_BYTES], length: u64) -> Result<Self, BaleFlaw> {
        if tail[TAIL_BYTES - FOOT.len()..] != *FOOT {
            return Err(BaleFlaw::Magic);
        }
        let (mut count, mut said, mut id) = ([0; 4], [0; 8], [0; 32]);
        count.copy_from_slice(&tail[..4]);
        said.copy_from_slice(&tail[4..12]);
        id.copy_from_slice(&tail[12..44]);
        let count = u32::from_le_bytes(count);
        let parts = BALE_HEAD.len() as u64 + u64::from(count) * ENTRY_BYTES as u64 + TAIL_BYTES as u64;
        if u64::from_le_bytes(said) != length || length < parts || count as usize > ENTRIES_MAX {
            return Err(BaleFlaw::Length);
        }
        Ok(Self { id: BaleId(ChunkId(id)), count, length })
    }

    /// The bale's name.
    pub fn id(&self) -> BaleId {
        self.id
    }

    /// Where the index lies: its first byte and its length; at most 11 MiB.
    pub fn index_span(&self) -> (u64, usize) {
        let length = self.count as usize * ENTRY_BYTES;
        (self.length - (length + TAIL_BYTES) as u64, length)
    }

    /// Reads the index.
    ///
    /// # Errors
    /// `BaleFlaw` when it is not the one that the tail names, or does not fit the bale's length.
    pub fn entries(&self, index: &[u8]) -> Result<Vec<BaleEntry>, BaleFlaw> {
        if name(index, self.count, self.length) != self.id {
            return Err(BaleFlaw::Index);
        }
        let (index_at, _) = self.index_span();
        let mut at = BALE_HEAD.len() as u64;
        let mut entries = Vec::with_capacity(self.count as usize);
        for text in index.as_chunks::<ENTRY_BYTES>().0 {
            let entry = entry(text, at)?;
            at += u64::from(entry.stored);
            entries.push(entry);
        }
        if at != index_at || entries.len() != self.count as usize {
            return Err(BaleFlaw::Length);
        }
        Ok(entries)
    }
}

fn entry(text: &[u8; ENTRY_BYTES], at: u64) -> Result<BaleEntry, BaleFlaw> {
    let (mut id, mut stored, mut bytes) = ([0; 32], [0; 4], [0; 4]);
    id.copy_from_slice(&text[..32]);
    stored.copy_from_slice(&text[32..36]);
    bytes.copy_from_slice(&text[36..40]);
    let form = match text[40] {
        0 => Form::Plain,
        1 => Form::Zstd,
        _ => return Err(BaleFlaw::Index),
    };
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&text[41..]);
    let (stored, bytes) = (u32::from_le_bytes(stored), u32::from_le_bytes(bytes));
    // What is stored is never longer than the chunk, and a chunk keeps its limit: reading allocates no more.
    if bytes as usize > CHUNK_BYTES_MAX || stored > bytes || (form == Form::Plain && stored != bytes) {
        return Err(BaleFlaw::Length);
    }
    Ok(BaleEntry { id: ChunkId(id), at, stored, bytes, form, check })
}

#[cfg(test)]
mod tests;
