//! Whether a guest is heard now: what it says beyond what it may waits here until it is paid for, as a process's waits in
//! its pipe.
//!
//! A letter that waits keeps its place in the guest's room, so no more waits than fits there; then the guest is told
//! that its frames are too many, or waits itself.

use std::time::Duration;

use abi::{Generation, Slot};
use kernel::Incoming;

use super::hear::LETTERS_PER_TURN;
use super::post::{Letter, News};
use crate::shell::{Handle, Shell};

impl Shell {
    /// Hears a letter at once, or keeps it behind what is still to be paid for.
    pub(super) fn heed(&mut self, letter: Letter) {
        let (slot, generation) = (letter.slot, letter.generation);
        match &letter.news {
            News::Said(_) | News::Line(_) | News::Text(..) => {}
            // What it said before its end is heard before it, as what a dead process left in its pipes.
            News::Left { .. } => self.hear_what_is_left(slot, generation),
            News::Made(_) | News::NotMade { .. } | News::Swapped(_) => return self.hear_guest(letter),
        }
        let is_behind = self.guest(slot, generation).is_some_and(|guest| !guest.unheard.is_empty());
        let wait = if is_behind { None } else { self.must_pay(slot, generation) };
        if !is_behind && wait.is_none() {
            return self.hear_guest(letter);
        }
        let handle = self.handle();
        let Some(guest) = self.guest(slot, generation) else { return self.hear_guest(letter) };
        guest.unheard.push_back(letter);
        if let Some(wait) = wait {
            tokio::task::spawn_local(hear_later(handle, slot, generation, wait));
        }
    }

    /// Some of what waits, as far as it is paid for. Gives how long to wait for the next.
    fn hear_unheard(&mut self, slot: Slot, generation: Generation) -> Option<Duration> {
        for _ in 0..LETTERS_PER_TURN {
            if let Some(wait) = self.must_pay(slot, generation) {
                return Some(wait);
            }
            let letter = self.guest(slot, generation)?.unheard.pop_front()?;
            self.hear_guest(letter);
        }
        let is_more = self.guest(slot, generation).is_some_and(|guest| !guest.unheard.is_empty());
        is_more.then_some(Duration::ZERO)
    }

    fn hear_what_is_left(&mut self, slot: Slot, generation: Generation) {
        while let Some(letter) = self.guest(slot, generation).and_then(|guest| guest.unheard.pop_front()) {
            self.hear_guest(letter);
        }
    }

    /// What a guest has said is paid for and counted, by the same rules as a process's lines.
    pub(super) fn charge(&mut self, slot: Slot, generation: Generation, news: &News) {
        let (frames, calls) = match news {
            News::Said(said) => (1, u64::from(matches!(said, Incoming::Call { .. }))),
            News::Line(_) => (1, 0),
            News::Text(..) => (0, 0),
            News::Made(_) | News::NotMade { .. } | News::Swapped(_) | News::Left { .. } => return,
        };
        if let Some(seat) = self.seat_mut(slot) {
            seat.tally.frames_in += frames;
            seat.tally.calls_in += calls;
        }
        let now = self.now();
        self.pay(now, slot, generation, 1, calls);
    }
}

/// Goes on hearing a guest when what it said before is paid for, until nothing of it waits.
async fn hear_later(shell: Handle, slot: Slot, generation: Generation, mut wait: Duration) {
    loop {
        tokio::time::sleep(wait).await;
        let Some(shell) = shell.upgrade() else { return };
        let mut shell = shell.borrow_mut();
        let next = shell.hear_unheard(slot, generation);
        shell.end_turn();
        match next {
            Some(next) => wait = next,
            None => return,
        }
    }
}
