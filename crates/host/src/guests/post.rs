//! What goes between the kernel's thread and a guest's: counted in frames and bytes, and given back when it was handled.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use abi::limits::{QUEUE_BYTES_MAX_DEFAULT, QUEUE_FRAMES_MAX_DEFAULT};
use abi::{Generation, Slot};
use kernel::Incoming;
use store::LogLine;
use tokio::sync::mpsc;
use wasm::Stop;

use super::make::Made;
use super::swap::SwapDone;
use crate::outbox::Mail;

/// 16 MiB, everything counted: what waits at all in one direction, as in a process's queue.
const CERTAIN_BYTES_MAX: usize = 2 * QUEUE_BYTES_MAX_DEFAULT;

/// 20 ms between two looks of a guest that waits for room whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How much waits in one direction.
#[derive(Debug, Default)]
pub(super) struct Room {
    used: Mutex<Used>,
    freed: Condvar,
}

#[derive(Debug)]
struct Used {
    frames: usize,
    bytes: usize,
    /// How many bounded frames may wait.
    frames_max: usize,
}

impl Default for Used {
    fn default() -> Self {
        Self { frames: 0, bytes: 0, frames_max: QUEUE_FRAMES_MAX_DEFAULT }
    }
}

/// The place of one frame; dropping it gives the room back.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    /// A place for a frame of `bytes`, if there is one.
    pub(super) fn take(self: &Arc<Self>, mail: Mail, bytes: usize) -> Option<Place> {
        let mut used = self.lock();
        let fits = match mail {
            Mail::Bounded => used.frames < used.frames_max && used.bytes + bytes <= QUEUE_BYTES_MAX_DEFAULT,
            Mail::Answer => used.bytes + bytes <= QUEUE_BYTES_MAX_DEFAULT,
            Mail::Certain => used.bytes + bytes <= CERTAIN_BYTES_MAX,
        };
        fits.then(|| self.place(&mut used, bytes))
    }

    /// From now on so many bounded frames may wait; what waits already stays.
    pub(super) fn bound_frames(&self, frames_max: usize) {
        self.lock().frames_max = frames_max.min(QUEUE_FRAMES_MAX_DEFAULT);
    }

    /// How many frames wait, and their bytes.
    pub(super) fn used(&self) -> (usize, usize) {
        let used = self.lock();
        (used.frames, used.bytes)
    }

    /// Waits on this thread until there is one, or until `stop` is wanted.
    fn wait(self: &Arc<Self>, bytes: usize, stop: &Stop) -> Place {
        let mut used = self.lock();
        while used.bytes + bytes > QUEUE_BYTES_MAX_DEFAULT && used.frames > 0 && !stop.is_wanted() {
            used = self.freed.wait_timeout(used, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.place(&mut used, bytes)
    }

    fn place(self: &Arc<Self>, used: &mut Used, bytes: usize) -> Place {
        used.frames += 1;
        used.bytes += bytes;
        Place { room: Arc::clone(self), bytes }
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        // Two numbers, changed together without anything in between that could panic.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut used = self.room.lock();
        used.frames -= 1;
        used.bytes -= self.bytes;
        drop(used);
        self.room.freed.notify_all();
    }
}

/// What a guest's thread tells the kernel's.
#[derive(Debug)]
pub(super) enum News {
    /// It runs.
    Made(Box<Made>),
    /// It could not be made; the hall that was kept for it is free.
    NotMade { why: String, can_help: Help, hall: Option<usize> },
    /// A frame.
    Said(Incoming),
    /// A line for its log.
    Line(LogLine),
    /// A line of a plain command, from stdout or stderr.
    Text(crate::life::Stream, Vec<u8>),
    /// Its successor took its place, or did not.
    Swapped(SwapDone),
    /// It is gone.
    Left { end: End, hall: Option<usize> },
}

/// Whether making it again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    /// It might: no room, no time.
    Perhaps,
    /// Not before somebody changes something.
    No,
}

/// How a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with this code.
    Code(i32),
    /// It fell, or was made to: why, as an operator reads it.
    Fell(String),
    /// Its actor was ended from outside.
    Killed,
}

/// One piece of news with whose it is.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) slot: Slot,
    pub(super) generation: Generation,
    pub(super) news: News,
    /// Held until it was handled.
    pub(super) _place: Option<Place>,
}

/// A guest's way to the kernel's thread. Clones share one room.
#[derive(Debug, Clone)]
pub(super) struct Post {
    letters: mpsc::UnboundedSender<Letter>,
    slot: Slot,
    generation: Generation,
    room: Arc<Room>,
}

/// Whether something was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Taken,
    Full,
}

impl Post {
    pub(super) fn new(letters: mpsc::UnboundedSender<Letter>, slot: Slot, generation: Generation) -> Self {
        Self { letters, slot, generation, room: Arc::default() }
    }

    /// Small news without which the life could not go on: always taken.
    pub(super) fn send(&self, news: News) {
        self.put(news, None);
    }

    /// Takes it if there is room.
    pub(super) fn try_send(&self, news: News, bytes: usize) -> Sent {
        match self.room.take(Mail::Bounded, bytes) {
            Some(place) => {
                self.put(news, Some(place));
                Sent::Taken
            }
            None => Sent::Full,
        }
    }

    /// Waits for room on this thread, which is the guest's own.
    pub(super) fn send_when_room(&self, news: News, bytes: usize, stop: &Stop) {
        let place = self.room.wait(bytes, stop);
        self.put(news, Some(place));
    }

    fn put(&self, news: News, place: Option<Place>) {
        let letter = Letter { slot: self.slot, generation: self.generation, news, _place: place };
        // Nobody listens any more when the kernel ends.
        let _ended = self.letters.send(letter);
    }
}

#[cfg(test)]
mod tests;
