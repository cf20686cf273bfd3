//! Trees: the chunks of a file tied to one name. A node lists chunks or other nodes, and ends where their names say so,
//! so that a change rewrites one node a level instead of the list of the whole file.

use crate::chunk::{CHUNK_BYTES_MAX, ChunkId};

/// 16 GiB: more than any module or file of a backup; a longer one is refused.
pub const FILE_BYTES_MAX: u64 = 16 << 30;

/// 8 levels: with 64 links a node on the mean, far more than the longest file needs; bounds the walk of a strange tree.
pub const DEPTH_MAX: u8 = 8;

/// 256 links: a node is 10 KiB at the most, and so a chunk like any other.
const LINKS_MAX: usize = 256;

/// A node ends with a link whose name ends in six zero bits: 64 links on the mean, about 2.5 KiB to rewrite.
const LAST_LINK_MASK: u8 = 63;

/// Two links: a node of one would never make a level shorter than the one below it.
const LINKS_MIN: usize = 2;

/// 32 bytes of name and 8 of length.
const LINK_BYTES: usize = 40;

const _: () = assert!(LINKS_MAX * LINK_BYTES <= CHUNK_BYTES_MAX);

/// A chunk or a node, and how many bytes of the file are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub id: ChunkId,
    /// Bytes of the file below it; at least 1.
    pub bytes: u64,
}

/// The name of a whole file's content: equal for equal content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileRef {
    /// The top node, or the only chunk, or the name of no bytes.
    pub root: ChunkId,
    /// Levels of nodes above the chunks; 0 when `root` is a chunk.
    pub depth: u8,
    /// The file's length in bytes.
    pub bytes: u64,
}

impl FileRef {
    /// The name of an empty file, for which nothing is stored.
    pub fn empty() -> Self {
        Self { root: ChunkId::of(b""), depth: 0, bytes: 0 }
    }

    /// The link at the top; nothing for an empty file.
    ///
    /// # Errors
    /// `TreeFlaw` when the name is none that a [`TreeBuilder`] gives.
    pub fn top(&self) -> Result<Option<Link>, TreeFlaw> {
        if self.bytes == 0 {
            let is_empty = *self == Self::empty();
            return if is_empty { Ok(None) } else { Err(TreeFlaw::Length) };
        }
        if self.depth > DEPTH_MAX {
            return Err(TreeFlaw::Depth);
        }
        if self.bytes > FILE_BYTES_MAX || (self.depth == 0 && self.bytes > CHUNK_BYTES_MAX as u64) {
            return Err(TreeFlaw::Length);
        }
        Ok(Some(Link { id: self.root, bytes: self.bytes }))
    }
}

/// Why bytes are no node of a file's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeFlaw {
    /// It is no list of links, or has none or too many.
    #[error("a node is not a list of 1 to {LINKS_MAX} links")]
    Shape,
    /// The lengths below it are not its own.
    #[error("the lengths in a tree do not add up")]
    Length,
    /// It is deeper than any file needs.
    #[error("a tree has more than {DEPTH_MAX} levels")]
    Depth,
}

/// One node: what lies below it, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Between 1 and 256 of them.
    pub links: Vec<Link>,
}

impl Node {
    /// Reads a node that stands `depth` levels above the chunks and holds `bytes` bytes of the file.
    ///
    /// # Errors
    /// `TreeFlaw` when these bytes can't be that node.
    pub fn parse(text: &[u8], depth: u8, bytes: u64) -> Result<Self, TreeFlaw> {
        if depth == 0 || depth > DEPTH_MAX {
            return Err(TreeFlaw::Depth);
        }
        let (pairs, odd) = text.as_chunks::<LINK_BYTES>();
        if !odd.is_empty() || pairs.is_empty() || pairs.len() > LINKS_MAX {
            return Err(TreeFlaw::Shape);
        }
        let links: Vec<Link> = pairs.iter().map(link).collect();
        let longest = if depth == 1 { CHUNK_BYTES_MAX as u64 } else { FILE_BYTES_MAX };
        if links.iter().any(|link| link.bytes == 0 || link.bytes > longest) {
            return Err(TreeFlaw::Length);
        }
        // 256 lengths of at most 16 GiB each can't overflow.
        if links.iter().map(|link| link.bytes).sum::<u64>() != bytes {
            return Err(TreeFlaw::Length);
        }
        Ok(Self { links })
    }
}

fn link(bytes: &[u8; LINK_BYTES]) -> Link {
    let (mut id, mut length) = ([0; 32], [0; 8]);
    id.copy_from_slice(&bytes[..32]);
    length.copy_from_slice(&bytes[32..]);
    Link { id: ChunkId(id), bytes: u64::from_le_bytes(length) }
}

/// Ties chunks to a tree as they come; nodes go to a sink as soon as they are whole.
#[derive(Debug, Default)]
pub struct TreeBuilder {
    /// Links that wait for their node, per level; the chunks are level 0.
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    waiting: Vec<Link>,
    /// Whether a node was already made of earlier links of this level.
    has_nodes: bool,
}

impl TreeBuilder {
    /// Takes the next chunk of the file; `sink` gets each node that became whole, as bytes to be stored under
    /// [`ChunkId::of`] them.
    pub fn push(&mut self, link: Link, sink: &mut dyn FnMut(&[u8])) {
        self.push_at(0, link, sink);
    }

    fn push_at(&mut self, depth: usize, link: Link, sink: &mut dyn FnMut(&[u8])) {
        if self.levels.len() <= depth {
            self.levels.resize_with(depth + 1, Level::default);
        }
        let level = &mut self.levels[depth];
        level.waiting.push(link);
        let is_last = link.id.0[31] & LAST_LINK_MASK == 0 && level.waiting.len() >= LINKS_MIN;
        if is_last || level.waiting.len() == LINKS_MAX {
            self.close(depth, sink);
        }
    }

    /// Makes a node of what waits at one level, and hands it to the level above.
    fn close(&mut self, depth: usize, sink: &mut dyn FnMut(&[u8])) {
        let level = &mut self.levels[depth];
        let links = std::mem::take(&mut level.waiting);
        level.has_nodes = true;
        let mut text = Vec::with_capacity(links.len() * LINK_BYTES);
        for link in &links {
            text.extend_from_slice(&link.id.0);
            text.extend_from_slice(&link.bytes.to_le_bytes());
        }
        sink(&text);
        let bytes = links.iter().map(|link| link.bytes).sum();
        self.push_at(depth + 1, Link { id: ChunkId::of(&text), bytes }, sink);
    }

    /// Closes what is open and gives the file's name.
    pub fn finish(mut self, sink: &mut dyn FnMut(&[u8])) -> FileRef {
        let mut depth = 0;
        while depth < self.levels.len() {
            let level = &self.levels[depth];
            let is_top = depth + 1 == self.levels.len() && !level.has_nodes;
            match (level.waiting.as_slice(), is_top) {
                ([top], true) => {
                    let depth = u8::try_from(depth).unwrap_or(u8::MAX);
                    return FileRef { root: top.id, depth, bytes: top.bytes };
                }
                ([], _) => {}
                _ => self.close(depth, sink),
            }
            depth += 1;
        }
        FileRef::empty()
    }
}

#[cfg(test)]
mod tests;
