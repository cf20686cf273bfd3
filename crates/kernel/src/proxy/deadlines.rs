//! When which open call has waited long enough.
//!
//! A heap that forgets lazily: a call that is answered leaves its entry behind, and entries of calls that are over are
//! thrown out together once they outnumber the others. So a call costs one step at each end, and the heap stays within
//! twice of what is open.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use abi::Time;

use crate::saved::{Keep, Saved, Unreadable};

/// 64 entries: so few are not worth throwing out.
const STALE_ALLOWED: usize = 64;

#[derive(Debug, Clone, Default)]
pub(crate) struct Deadlines(BinaryHeap<Reverse<(Time, u64)>>);

impl Deadlines {
    /// Call `number` waits until then. `open` is how many are open, `until` tells each one's present moment.
    pub(crate) fn set(&mut self, at: Time, number: u64, open: usize, until: impl Fn(u64) -> Option<Time>) {
        if self.0.len() >= 2 * open + STALE_ALLOWED {
            self.0.retain(|Reverse((at, number))| until(*number) == Some(*at));
        }
        self.0.push(Reverse((at, number)));
    }

    /// The next moment at which a call may be due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// A call that is due, taken out. Entries of calls that are over, or have other moments now, are skipped.
    pub(crate) fn pop_due(&mut self, now: Time, until: impl Fn(u64) -> Option<Time>) -> Option<u64> {
        loop {
            let Reverse((at, number)) = *self.0.peek()?;
            let is_stale = until(number) != Some(at);
            if !is_stale && at > now {
                return None;
            }
            self.0.pop();
            if !is_stale {
                return Some(number);
            }
        }
    }
}

impl Keep for Deadlines {
    fn save(&self) -> Saved {
        let all: Vec<(Time, u64)> = self.0.iter().map(|Reverse(one)| *one).collect();
        all.save()
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        let all: Vec<(Time, u64)> = Keep::restore(saved)?;
        Ok(Self(all.into_iter().map(Reverse).collect()))
    }
}
