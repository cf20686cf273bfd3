//! The lives that the net helper serves now, to be found again when their places change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sandbox::broker::Reins;

/// 2,048 lives at once, a thread each; above what a kernel keeps.
const LIVES_MAX: usize = 2_048;

/// A module and the generation of a life; a look at its readiness is served under the same name.
type Name = (String, u64);

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Lives(Mutex<Seats>);

#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: BTreeMap<u64, (Name, Option<Reins>)>,
}

impl Lives {
    /// A seat for one that is about to be served; nothing when all are taken.
    pub(super) fn take_up(self: Arc<Self>, name: Name, reins: Option<Reins>) -> Option<Seat> {
        let mut seats = self.seats();
        if seats.taken.len() >= LIVES_MAX {
            return None;
        }
        let number = seats.next;
        seats.next += 1;
        seats.taken.insert(number, (name, reins));
        drop(seats);
        Some(Seat { lives: self, number })
    }

    /// The reins of all that is served under a name.
    pub(super) fn reins_of(&self, name: &Name) -> Vec<Reins> {
        let seats = self.seats();
        let own = seats.taken.values().filter(|(own, _)| own == name);
        own.filter_map(|(_, reins)| reins.clone()).collect()
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        // Nothing is half done in it at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is served, until this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    lives: Arc<Lives>,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.lives.seats().taken.remove(&self.number);
    }
}
