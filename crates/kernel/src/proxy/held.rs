//! What comes for a module while its state is on the way to another life: kept in its order, up to a bound.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use abi::limits::{QUEUE_BYTES_MAX_DEFAULT, QUEUE_FRAMES_MAX_DEFAULT};

use super::letter::Letter;
use crate::effect::Message;
use crate::routes::Address;
use crate::saved::{Keep, Saved, Unreadable};

/// 512 letters: as many as the new life's own queue takes at once.
const LETTERS_MAX: usize = QUEUE_FRAMES_MAX_DEFAULT;

/// 8 MiB of payloads, for the same reason.
const BYTES_MAX: usize = QUEUE_BYTES_MAX_DEFAULT;

/// The letters.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    letters: VecDeque<Letter>,
    bytes: usize,
    /// How many found no room.
    refused: u64,
}

impl Held {
    /// Keeps one; gives it back when there is no room.
    pub(super) fn keep(&mut self, letter: Letter) -> Option<Letter> {
        let bytes = bytes_of(&letter);
        if self.letters.len() >= LETTERS_MAX || self.bytes + bytes > BYTES_MAX {
            self.refused += 1;
            return Some(letter);
        }
        self.bytes += bytes;
        self.letters.push_back(letter);
        None
    }

    /// Takes out the call that its caller gave up; says whether it was there.
    pub(super) fn drop_of(&mut self, caller: Address, token: u64) -> bool {
        let is_it = |letter: &Letter| matches!(letter, Letter::Call { caller: by, token: number, .. } if *by == caller && *number == token);
        let at = self.letters.iter().position(is_it);
        let found = at.and_then(|at| self.letters.remove(at));
        self.bytes -= found.as_ref().map_or(0, bytes_of);
        found.is_some()
    }

    /// All of them, oldest first, and how many found no room.
    pub(super) fn take(&mut self) -> (VecDeque<Letter>, u64) {
        let Self { letters, refused, .. } = core::mem::take(self);
        (letters, refused)
    }
}

/// No kernel is saved while somebody is between two lives, and only then is something held.
impl Keep for Held {
    fn save(&self) -> Saved {
        Saved::List(Vec::new())
    }

    fn restore(_: &Saved) -> Result<Self, Unreadable> {
        Ok(Self::default())
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

fn bytes_of(letter: &Letter) -> usize {
    match letter {
        Letter::Call { params, .. } => params.as_ref().map_or(0, abi::Payload::len),
        Letter::Deliver { message: Message::Raw(payload), .. } => payload.len(),
        _ => 0,
    }
}
