//! The way to the kernel: one whole frame at a time, whoever writes.
//!
//! Frames go by the pipe, or, once `ready` has said so, by a lane through shared memory. From then on the pipe carries
//! nothing but line breaks, each of which wakes a kernel that sleeps.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::door::FromModule;
use shm::{Pushed, Rouse, Sender};

use crate::failure::SendError;
use crate::limits::{LANE_WAIT, LINE_BYTES_MAX, NAME_UNITS_MAX};

/// Where the frames go.
pub(crate) struct Wire {
    out: Mutex<Out>,
    /// The kernel has closed its pipe: nobody need make room for us.
    is_gone: AtomicBool,
}

struct Out {
    pipe: Box<dyn Write + Send>,
    lane: Option<Sender>,
}

impl Wire {
    pub(crate) fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Mutex::new(Out { pipe: Box::new(out), lane: None }), is_gone: AtomicBool::new(false) }
    }

    /// Sends one frame. A kernel that is gone is no error here: the reading side sees the end of its pipe and ends the
    /// module.
    pub(crate) fn send(&self, frame: &FromModule) -> Result<(), SendError> {
        let line = to_line(frame)?;
        let out = &mut *lock(&self.out);
        match &mut out.lane {
            Some(lane) => self.send_by_lane(lane, &mut out.pipe, &line),
            None => write_line(&mut out.pipe, line),
        }
        Ok(())
    }

    /// Sends the last frame that goes by the pipe; all others follow by the lane.
    pub(crate) fn send_and_switch(&self, frame: &FromModule, lane: Sender) -> Result<(), SendError> {
        let line = to_line(frame)?;
        let mut out = lock(&self.out);
        write_line(&mut out.pipe, line);
        out.lane = Some(lane);
        Ok(())
    }

    /// Wakes a kernel that sleeps on its end of the pipe.
    pub(crate) fn rouse(&self, rouse: Rouse) {
        ring(&mut lock(&self.out).pipe, rouse);
    }

    /// Ends every wait for room.
    pub(crate) fn close(&self) {
        self.is_gone.store(true, Ordering::Relaxed);
    }

    /// Waits for room like a write to a full pipe does.
    fn send_by_lane(&self, lane: &mut Sender, pipe: &mut impl Write, line: &[u8]) {
        let mut is_taken = false;
        loop {
            if !is_taken {
                match lane.push(line) {
                    Ok(pushed) => is_taken = pushed == Pushed::Taken,
                    // The reading side finds the same fault, or the kernel ends us for it.
                    Err(_) => return,
                }
            }
            let Ok(rouse) = lane.publish() else { return };
            ring(pipe, rouse);
            let is_done = is_taken && !lane.has_rest();
            if is_done || self.is_gone.load(Ordering::Relaxed) || lane.wait_for_room(LANE_WAIT).is_err() {
                return;
            }
        }
    }
}

fn to_line(frame: &FromModule) -> Result<Vec<u8>, SendError> {
    let line = serde_json::to_vec(frame).map_err(SendError::NotJson)?;
    if line.len() > LINE_BYTES_MAX {
        return Err(SendError::LineTooLong { bytes: line.len() });
    }
    Ok(line)
}

fn write_line(pipe: &mut impl Write, mut line: Vec<u8>) {
    line.push(b'\n');
    // One write for the whole line, so that it also arrives whole where nothing locks.
    let written = pipe.write_all(&line).and_then(|()| pipe.flush());
    drop(written);
}

fn ring(pipe: &mut impl Write, rouse: Rouse) {
    if rouse == Rouse::ByPipe {
        let written = pipe.write_all(b"\n").and_then(|()| pipe.flush());
        drop(written);
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
