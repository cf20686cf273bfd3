//! Taking files into the depot: cut, look which chunks are new, gather those in a bale, make it durable.

use std::collections::HashSet;
use std::io::{self, Read};

use update::{
    BaleId, BaleWriter, CHUNK_BYTES_MAX, ChunkId, Cuts, Digester, Digests, End, FILE_BYTES_MAX, FileRef,
    Link, TreeBuilder,
};

use super::{ASIDE, CHUNKS_MAX, Depot, DepotError, Place};
use crate::disk::replace;

/// 4 MiB at once: long enough that a second thread for the hashes is worth its start.
const BUFFER_BYTES: usize = 4 << 20;

/// 512 KiB: what is shorter is hashed on the thread that cuts it.
const ALONE_BYTES_MAX: usize = 512 << 10;

const _: () = assert!(CHUNK_BYTES_MAX < BUFFER_BYTES);

/// A file as it was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// By this it is found again, once the intake has finished.
    pub file: FileRef,
    /// The hashes of the very bytes that were cut and stored: compare them with what was promised.
    pub digests: Digests,
}

/// What an intake has stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stocked {
    /// Chunks, and nodes of trees, that were not there before.
    pub chunks: u64,
    /// What they cost on the disk, in bytes, with their index.
    pub bytes: u64,
    /// Files that were written.
    pub bales: u64,
}

/// Files on their way into a depot.
#[derive(Debug)]
pub struct Intake<'a> {
    depot: &'a mut Depot,
    writer: BaleWriter,
    /// What is in the writer, and so in no place yet.
    gathered: HashSet<ChunkId>,
    stocked: Stocked,
    buffer: Vec<u8>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(depot: &'a mut Depot) -> Self {
        Self {
            depot,
            writer: BaleWriter::default(),
            gathered: HashSet::new(),
            stocked: Stocked::default(),
            buffer: Vec::new(),
        }
    }

    /// Takes a file, to its end. What is already there costs a look.
    ///
    /// # Errors
    /// `Source`, `TooLong`, `Full`, and `Disk` or `ReadBack` when a bale became full and could not be written; the
    /// depot is as whole as before.
    pub fn take(&mut self, source: &mut dyn Read) -> Result<Taken, DepotError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(BUFFER_BYTES, 0);
        let mut reading = Reading::default();
        let mut kept = 0;
        loop {
            let filled = kept + fill(source, &mut buffer[kept..]).map_err(DepotError::Source)?;
            let end = if filled < buffer.len() { End::Final } else { End::Open };
            let left = self.take_piece(&buffer[..filled], kept, end, &mut reading)?;
            if end == End::Final {
                break;
            }
            buffer.copy_within(filled - left..filled, 0);
            kept = left;
        }
        self.buffer = buffer;
        let mut nodes = Vec::new();
        let file = reading.tree.finish(&mut |node| nodes.push(node.to_vec()));
        self.gather_all(&nodes)?;
        Ok(Taken { file, digests: reading.digester.finish() })
    }

    /// Cuts and hashes one buffer, of which the first `kept` bytes were hashed before; gives how many bytes are left.
    fn take_piece(
        &mut self,
        bytes: &[u8],
        kept: usize,
        end: End,
        reading: &mut Reading,
    ) -> Result<usize, DepotError> {
        let Reading { digester, tree } = reading;
        let fresh = &bytes[kept..];
        let left = if fresh.len() <= ALONE_BYTES_MAX {
            digester.update(fresh);
            self.cut(bytes, end, tree)?
        } else {
            // The two hashes take about as long as cutting and naming the chunks.
            std::thread::scope(|scope| {
                scope.spawn(|| digester.update(fresh));
                self.cut(bytes, end, tree)
            })?
        };
        if reading.digester.bytes() > FILE_BYTES_MAX {
            return Err(DepotError::TooLong { bytes_max: FILE_BYTES_MAX });
        }
        Ok(left)
    }

    fn cut(&mut self, bytes: &[u8], end: End, tree: &mut TreeBuilder) -> Result<usize, DepotError> {
        let mut cuts = Cuts::new(bytes, end);
        let mut nodes = Vec::new();
        for chunk in cuts.by_ref() {
            let id = ChunkId::of(chunk);
            self.gather(id, chunk)?;
            tree.push(Link { id, bytes: chunk.len() as u64 }, &mut |node| nodes.push(node.to_vec()));
        }
        self.gather_all(&nodes)?;
        Ok(cuts.rest().len())
    }

    fn gather_all(&mut self, nodes: &[Vec<u8>]) -> Result<(), DepotError> {
        nodes.iter().try_for_each(|node| self.gather(ChunkId::of(node), node))
    }

    /// Puts a chunk into the bale that is being gathered, unless it is there already.
    fn gather(&mut self, id: ChunkId, chunk: &[u8]) -> Result<(), DepotError> {
        if self.depot.places.contains_key(&id) || !self.gathered.insert(id) {
            return Ok(());
        }
        if self.depot.places.len() + self.gathered.len() > CHUNKS_MAX {
            return Err(DepotError::Full { chunks_max: CHUNKS_MAX });
        }
        self.writer.push(id, chunk, &mut self.depot.press);
        if self.writer.is_full() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), DepotError> {
        let writer = std::mem::take(&mut self.writer);
        let chunks = self.gathered.len() as u64;
        self.gathered.clear();
        self.stocked.bytes += self.depot.write_bale(writer)?.bytes;
        self.stocked.chunks += chunks;
        self.stocked.bales += 1;
        Ok(())
    }

    /// Makes durable all that was taken; before this nothing of it may be relied on.
    ///
    /// # Errors
    /// `Disk` or `ReadBack`; the depot is as whole as before.
    pub fn finish(mut self) -> Result<Stocked, DepotError> {
        if !self.writer.is_empty() {
            self.flush()?;
        }
        Ok(self.stocked)
    }
}

impl Depot {
    /// Writes a bale in the order that makes it whole or absent, and remembers what is in it.
    pub(super) fn write_bale(&mut self, writer: BaleWriter) -> Result<Written, DepotError> {
        let bale = writer.finish();
        let path = self.path_of(&bale.id);
        let aside = self.folder.join(format!("{}{ASIDE}", bale.id));
        replace(&*self.disk, &path, &aside, &bale.bytes)?;
        for entry in &bale.entries {
            // The newest place wins: a cleaning moves chunks.
            self.places.insert(entry.id, Place { bale: bale.id, entry: *entry });
        }
        self.bales.insert(bale.id, bale.entries.iter().map(|entry| entry.id).collect());
        Ok(Written { id: bale.id, bytes: bale.bytes.len() as u64 })
    }
}

/// A bale that was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) id: BaleId,
    /// The length of its file.
    pub(super) bytes: u64,
}

/// What goes on from buffer to buffer of one file.
#[derive(Debug, Default)]
struct Reading {
    digester: Digester,
    tree: TreeBuilder,
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
