//! The way to the kernel: one whole line at a time, whoever writes.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::door::FromModule;

use crate::failure::SendError;
use crate::limits::{LINE_BYTES_MAX, NAME_UNITS_MAX};

/// Where the lines go.
pub(crate) struct Wire {
    out: Mutex<Box<dyn Write + Send>>,
}

impl Wire {
    pub(crate) fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Mutex::new(Box::new(out)) }
    }

    /// Writes one line. A kernel that is gone is no error here: the reading side sees the end of its pipe and ends
    /// the module.
    pub(crate) fn send(&self, frame: &FromModule) -> Result<(), SendError> {
        let mut line = serde_json::to_vec(frame).map_err(SendError::NotJson)?;
        if line.len() > LINE_BYTES_MAX {
            return Err(SendError::LineTooLong { bytes: line.len() });
        }
        line.push(b'\n');
        let mut out = lock(&self.out);
        // One write for the whole line, so that it also arrives whole where nothing locks.
        let written = out.write_all(&line).and_then(|()| out.flush());
        drop(written);
        Ok(())
    }
}

/// Takes a lock. A panic while it was held is no reason to stop: every value here is whole between two statements,
/// and panics of handlers are caught where no lock is held.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses here what the kernel would only drop.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), SendError> {
    // UTF-16 never has more units than UTF-8 has bytes.
    if name.len() > NAME_UNITS_MAX {
        let units = name.encode_utf16().count();
        if units > NAME_UNITS_MAX {
            return Err(SendError::NameTooLong { what, units });
        }
    }
    Ok(())
}
