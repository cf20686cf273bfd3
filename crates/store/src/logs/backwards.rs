//! The lines of one file from its end, read in blocks, so that a large file costs no more than what is asked of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::line::LINE_BYTES_MAX;

/// 16 KiB in one read: about a hundred lines, and a thousand files in a merge stay below 16 MiB.
const BLOCK_BYTES: u64 = 16 << 10;

/// Where reading a file from its end has come to.
#[derive(Debug)]
pub(super) struct Backwards {
    path: PathBuf,
    /// Everything before this place is still to be read from the file.
    start: u64,
    /// What was read from there on and not yet given.
    block: Vec<u8>,
    /// Whether the rest of a line that is too long to be one is being passed over.
    passing: bool,
}

impl Backwards {
    /// Begins at `end`, which is the end of a line, or of the file.
    pub(super) fn new(path: PathBuf, end: u64) -> Self {
        Self { path, start: end, block: Vec::new(), passing: false }
    }

    /// The file that is read.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The line before, without its newline; nothing at the beginning of the file, or when somebody removed it.
    /// The file is opened for each block only, so that many can be read at once.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        // The newline that ends the line to be given is the last byte of the block.
        let mut searched = 0;
        loop {
            let body = self.block.len().saturating_sub(1);
            let unsearched = body.saturating_sub(searched);
            if let Some(at) = self.block[..unsearched].iter().rposition(|byte| *byte == b'\n') {
                if let Some(line) = self.give(at + 1) {
                    return Ok(Some(line));
                }
                searched = 0;
                continue;
            }
            searched = body;
            if self.start == 0 {
                return Ok(if self.block.is_empty() { None } else { self.give(0) });
            }
            if self.block.len() > LINE_BYTES_MAX {
                // Not a line that we wrote; it counts as one that can't be read.
                self.block.clear();
                self.passing = true;
                searched = 0;
            }
            if !self.read_block()? {
                return Ok(None);
            }
        }
    }

    /// Takes the line that begins at `from` off the block; nothing when it is the rest of one that is passed over.
    fn give(&mut self, from: usize) -> Option<Vec<u8>> {
        let mut line = self.block.split_off(from);
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        (!std::mem::take(&mut self.passing)).then_some(line)
    }

    /// Reads the block before; false when the file is gone or shorter than it was.
    fn read_block(&mut self) -> io::Result<bool> {
        let length = self.start.min(BLOCK_BYTES);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read =
            File::open(&self.path).and_then(|file| file.read_exact_at(&mut bytes, self.start - length));
        match read {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        bytes.append(&mut self.block);
        self.block = bytes;
        self.start -= length;
        Ok(true)
    }
}

/// The end of the last whole line among the first `bytes` of a file; 0 when there is none or the file is gone.
pub(super) fn end_of_lines(path: &Path, bytes: u64) -> io::Result<u64> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut end = bytes;
    let mut block = [0; 512];
    let mut first = true;
    while end > 0 {
        // Nearly every file ends with a newline, so the first look is at one byte.
        let length = end.min(if first { 1 } else { block.len() as u64 });
        first = false;
        let part = &mut block[..usize::try_from(length).unwrap_or(0)];
        match file.read_exact_at(part, end - length) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
            Err(error) => return Err(error),
        }
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(end - length + at as u64 + 1);
        }
        end -= length;
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
