//! The pipe on which children say that they run. It is the same for every supervisor, costs nobody a poll, and gives
//! the instant at which a child was heard.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// The process of each child, by the child's number.
pub(crate) type Pids = BTreeMap<usize, u32>;

/// One child said that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its number.
    pub(crate) number: usize,
    /// Its process.
    pub(crate) pid: u32,
    /// When it was heard.
    pub(crate) at: Instant,
}

/// All children of one supervisor.
#[derive(Debug)]
pub(crate) struct Roll {
    /// Where the pipe is.
    pub(crate) path: PathBuf,
    /// Who runs now, by number, as last heard.
    pub(crate) pids: Pids,
    calls: Receiver<Call>,
}

impl Roll {
    /// Makes the pipe `roll` in a folder and listens to it.
    ///
    /// # Errors
    /// When the pipe can't be made or opened.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("roll");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).context("making the pipe")?;
        // Held open for writing too, so that it never ends while children come and go.
        let pipe = OpenOptions::new().read(true).write(true).open(&path).context("opening the pipe")?;
        let (tx, calls) = channel();
        std::thread::spawn(move || listen(pipe, &tx));
        Ok(Self { path, pids: Pids::new(), calls })
    }

    /// Waits until every number from 0 to `count` has been heard since the last call, and gives when the last one was.
    ///
    /// # Errors
    /// When not all are heard in time; the error says how many were.
    pub(crate) fn all(&mut self, count: usize, patience: Duration) -> Result<Instant> {
        let deadline = Instant::now() + patience;
        let mut heard = BTreeMap::new();
        while heard.len() < count {
            match self.next(deadline)? {
                Some(call) => drop(heard.insert(call.number, call.at)),
                None => bail!("{} of {count} were heard within {patience:?}", heard.len()),
            }
        }
        heard.into_values().max().context("nobody was waited for")
    }

    /// Waits for the successor of one child.
    ///
    /// # Errors
    /// When it is not heard in time.
    pub(crate) fn successor(&mut self, number: usize, patience: Duration) -> Result<Instant> {
        let deadline = Instant::now() + patience;
        loop {
            match self.next(deadline)? {
                Some(call) if call.number == number => return Ok(call.at),
                Some(_) => {}
                None => bail!("no successor of child {number} within {patience:?}"),
            }
        }
    }

    /// The next call before the deadline.
    fn next(&mut self, deadline: Instant) -> Result<Option<Call>> {
        match self.calls.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(call) => {
                self.pids.insert(call.number, call.pid);
                Ok(Some(call))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("nobody listens to the pipe any more"),
        }
    }
}

/// Takes the time of every line.
fn listen(pipe: File, tx: &std::sync::mpsc::Sender<Call>) {
    for line in BufReader::new(pipe).lines() {
        let at = Instant::now();
        let Ok(line) = line else { return };
        let Some((number, pid)) = line.split_once(' ') else { continue };
        let (Ok(number), Ok(pid)) = (number.parse(), pid.parse()) else { continue };
        if tx.send(Call { number, pid, at }).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
