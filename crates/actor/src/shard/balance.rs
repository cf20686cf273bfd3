//! When a core is behind and another has little to do: which actors go there.
//!
//! A core looks at the head of its lanes and gives away some of those who have messages there, but never the one with
//! the most when that alone is half of the load: moving it would only move the load, so the others leave it alone.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use super::Shard;
use crate::address::{Addr, LOW_BYTE};
use crate::message::{Lane, Line};
use crate::migrate::Balance;
use crate::platform::Core;

/// Between two looks at the load: a hundred times what a move takes.
const LOOK_NS: u64 = 1_000_000;
/// After a move others must show their effect first.
const REST_NS: u64 = 20_000_000;
/// Looks in a row that a core must have been behind for.
const LOOKS: u32 = 3;
/// A backlog that takes less is gone before a move pays: waking a core and filling its caches takes 50 µs.
const BACKLOG_NS: u64 = 200_000;
/// A core is behind when it has so many times the backlog of another.
const FACTOR: usize = 4;
/// Entries at the head of each lane that are looked at, less than a chunk of the log.
const SAMPLED: usize = 96;
/// Actors that go at once.
const MOVED_MAX: usize = 16;
/// With more open questions than this a core gives nobody away: each move looks through them.
const QUESTIONS_MAX: usize = 1 << 12;

/// What a core remembers of its load.
#[derive(Default)]
pub(super) struct Balancing {
    looked_ns: u64,
    handled: u64,
    behind: u32,
}

impl Shard {
    /// Looks at the load now and then.
    #[inline]
    pub(super) fn weigh(&mut self, queued: usize) {
        let is_on = self.shared.config.balance == Balance::ByLoad && self.links.len() > 1;
        if is_on && self.now.saturating_sub(self.balance.looked_ns) >= LOOK_NS {
            self.weigh_now(queued);
        }
    }

    #[cold]
    fn weigh_now(&mut self, queued: usize) {
        let passed_ns = self.now.saturating_sub(self.balance.looked_ns);
        let handled = self.tally.handled - self.balance.handled;
        (self.balance.looked_ns, self.balance.handled) = (self.now, self.tally.handled);
        let each_ns = passed_ns / handled.max(1);
        let Some((least, to)) = self.least_loaded() else { return };
        let is_behind = each_ns.saturating_mul(queued as u64) > BACKLOG_NS && queued > FACTOR * (least + 1);
        self.balance.behind = if is_behind { self.balance.behind + 1 } else { 0 };
        if self.balance.behind < LOOKS || self.moves.count() > 0 || self.questions() > QUESTIONS_MAX {
            return;
        }
        self.balance.behind = 0;
        // Rests by not looking.
        self.balance.looked_ns = self.now.saturating_add(REST_NS);
        for actor in self.movers() {
            self.leave_for(actor, to);
        }
    }

    /// The other core with the least backlog, as it showed it last.
    fn least_loaded(&self) -> Option<(usize, Core)> {
        let others = self.shared.ports.iter().enumerate().filter(|(core, _)| *core != self.core as usize);
        let load = |(core, port): (usize, &crate::shared::Port)| {
            (port.counters.queued.load(Ordering::Relaxed) as usize, Core(core as u8))
        };
        others.map(load).min_by_key(|(queued, _)| *queued)
    }

    /// Who is to go: up to half of the load at the heads of the lanes.
    fn movers(&self) -> Vec<Addr> {
        let mut found: BTreeMap<Addr, usize> = BTreeMap::new();
        let mut all = 0;
        for lane in &Lane::ALL[1..] {
            for ahead in 0..SAMPLED {
                let Some(line) = self.lanes[*lane as usize].ahead(ahead) else { break };
                // SAFETY: the line is in the log, so it is filled.
                let Line { header, .. } = unsafe { &*line };
                *found.entry(Addr::from_word(header.dst, header.meta & !LOW_BYTE)).or_default() += 1;
                all += 1;
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_by_key(|(_, count)| core::cmp::Reverse(*count));
        let heavy = usize::from(found.first().is_some_and(|(_, count)| 2 * count >= all));
        let mut share = 0;
        let fits = |(_, count): &(Addr, usize)| {
            share += count;
            2 * share <= all
        };
        found.into_iter().skip(heavy).take_while(fits).take(MOVED_MAX).map(|(actor, _)| actor).collect()
    }
}
