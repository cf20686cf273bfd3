//! The numbers of lives over all runs of a kernel on one home: a file with the first number that no run has used yet,
//! so that logs and records of two lives never share a number.
//!
//! A run reserves numbers ahead and gives back at its end what it did not use. After a SIGKILL the rest of a reserve is
//! skipped. The file is not synced: after a power cut a number may come again, and logs go by time then.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use abi::Generation;

#[cfg(test)]
mod tests;

/// 1,000 numbers: one small write for so many starts.
const RESERVE: u64 = 1000;

/// The numbers of one run.
#[derive(Debug)]
pub(crate) struct Lives {
    path: PathBuf,
    reserved: u64,
}

impl Lives {
    /// Reads where to go on, and the last number that was used before this run. A file that can't be read, or holds no
    /// number, counts as none.
    pub(crate) fn open(state: &Path) -> (Self, Generation) {
        let path = state.join("lives");
        let last: u64 = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let mut lives = Self { path, reserved: last };
        lives.note(Generation(last));
        (lives, Generation(last))
    }

    /// This life begins, or one is about to: reserves more where that is needed.
    pub(crate) fn note(&mut self, life: Generation) {
        if life.0 >= self.reserved {
            self.reserved = life.0.saturating_add(RESERVE);
            self.keep(self.reserved);
        }
    }

    /// No life comes after this one.
    pub(crate) fn close(&self, last: Generation) {
        self.keep(last.0);
    }

    /// A disk that takes no number is told of by the journal, which is on it too.
    fn keep(&self, number: u64) {
        if let Err(error) = self.write(number) {
            tracing::warn!(%error, "the number of lives could not be kept");
        }
    }

    fn write(&self, number: u64) -> io::Result<()> {
        let aside = self.path.with_extension("new");
        fs::write(&aside, format!("{number}\n"))?;
        fs::rename(&aside, &self.path)
    }
}
