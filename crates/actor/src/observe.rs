//! What an observer sees: all actors with their supervisors and names, at about one moment, without stopping anything;
//! and what happened between two such looks.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::address::Addr;
use crate::name::Name;
use crate::platform::Core;
use crate::statistics::{ActorStatistics, CoreStatistics};
use crate::system::System;

/// Actors of one observation unless the caller has a reason: some 15 MiB.
pub const OBSERVED_DEFAULT: usize = 1 << 17;
const NS_PER_S: u128 = 1_000_000_000;

/// One actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// Its numbers.
    pub statistics: ActorStatistics,
    /// Who supervises it, without rights.
    pub supervisor: Option<Addr>,
    /// One of its names.
    pub name: Option<Name>,
}

/// A system at about one moment: each number is right, two of them may be some messages apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// When, in nanoseconds of the platform's clock.
    pub at_ns: u64,
    /// The actors in the order of their places.
    pub actors: Vec<Observed>,
    /// Actors that were there, too, and are not shown, because more were not wanted.
    pub left_out: usize,
    /// The cores in their order.
    pub cores: Vec<CoreStatistics>,
}

/// What an actor did between two observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Who, without rights.
    pub actor: Addr,
    /// The type of the actor.
    pub kind: &'static str,
    /// One of its names.
    pub name: Option<Name>,
    /// Messages that it handled per second.
    pub handled_per_s: u64,
    /// Messages that it sent per second.
    pub sent_per_s: u64,
    /// Processor time that it used, in thousandths of one core.
    pub cpu_permille: u64,
    /// By how much its queue grew; negative when it shrank.
    pub queue_growth: i64,
}

impl Observation {
    /// Those that nobody who is shown supervises: where the tree begins.
    pub fn roots(&self) -> impl Iterator<Item = &Observed> {
        let shown: alloc::collections::BTreeSet<_> =
            self.actors.iter().map(|observed| observed.statistics.actor).collect();
        self.actors
            .iter()
            .filter(move |observed| observed.supervisor.is_none_or(|parent| !shown.contains(&parent)))
    }

    /// Those that an actor supervises.
    pub fn children(&self, supervisor: Addr) -> impl Iterator<Item = &Observed> {
        let is_its = move |parent: Addr| parent.is_same_actor(supervisor);
        self.actors.iter().filter(move |observed| observed.supervisor.is_some_and(is_its))
    }

    /// What each actor that was there both times did since; counters that wrapped around are right nevertheless.
    pub fn rates_since(&self, earlier: &Self) -> Vec<Rate> {
        let before: BTreeMap<_, _> =
            earlier.actors.iter().map(|observed| (observed.statistics.actor, observed.statistics)).collect();
        let passed_ns = u128::from(self.at_ns.saturating_sub(earlier.at_ns).max(1));
        let per_s = |count: u32| (u128::from(count) * NS_PER_S / passed_ns) as u64;
        let rate = |Observed { statistics: now, name, .. }: &Observed| {
            let then = before.get(&now.actor)?;
            let cpu_ns = u128::from(now.cpu_ns.saturating_sub(then.cpu_ns));
            Some(Rate {
                actor: now.actor,
                kind: now.kind,
                name: *name,
                handled_per_s: per_s(now.handled.wrapping_sub(then.handled)),
                sent_per_s: per_s(now.sent.wrapping_sub(then.sent)),
                cpu_permille: (cpu_ns * 1_000 / passed_ns) as u64,
                queue_growth: i64::from(now.queued) - i64::from(then.queued),
            })
        };
        self.actors.iter().filter_map(rate).collect()
    }

    /// The `count` actors that used most processor time since, by messages where that is the same.
    pub fn hottest_since(&self, earlier: &Self, count: usize) -> Vec<Rate> {
        let mut rates = self.rates_since(earlier);
        rates.sort_by_key(|rate| Reverse((rate.cpu_permille, rate.handled_per_s)));
        rates.truncate(count);
        rates
    }
}

/// What one core shows to a watchdog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Turns, as of the core's last look at the clock.
    pub turns: u64,
    /// Messages handled, likewise.
    pub handled: u64,
    /// Whether something waits at the core's door from outside. A core that does not beat while something waits is held
    /// up by one of its actors.
    pub door: Door,
}

/// Whether something waits to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Nothing does.
    Empty,
    /// Something was sent from outside and the core has not looked at it.
    Waiting,
}

impl System {
    /// Looks at up to `most` actors; [`OBSERVED_DEFAULT`] is for people. Stops nothing, costs a look at each place.
    pub fn observe(&self, most: usize) -> Observation {
        let commons = &self.shared().commons;
        let (supervisors, names) = (commons.supervisors.lock().clone(), commons.names.by_actor());
        let at_ns = self.shared().ground.now();
        let mut left_out = 0;
        let mut actors = Vec::new();
        for statistics in self.actors() {
            if actors.len() >= most {
                left_out += 1;
                continue;
            }
            let index = statistics.actor.index();
            let supervisor =
                supervisors.get(&index).filter(|(child, _)| child.is_same_actor(statistics.actor));
            let supervisor = supervisor.map(|(_, parent)| parent.with_rights(crate::address::Rights::NONE));
            let name = names.get(&index).filter(|(owner, _)| owner.is_same_actor(statistics.actor));
            actors.push(Observed { statistics, supervisor, name: name.map(|(_, name)| *name) });
        }
        let cores = (0..self.cores()).filter_map(|core| self.core_statistics(Core(core as u8))).collect();
        Observation { at_ns, actors, left_out, cores }
    }

    /// What a watchdog compares from one look to the next; none when there is no such core.
    pub fn beat(&self, core: Core) -> Option<Beat> {
        let CoreStatistics { turns, handled, .. } = self.core_statistics(core)?;
        let port = self.shared().ports.get(core.index())?;
        let door = if port.inject.is_empty() { Door::Empty } else { Door::Waiting };
        Some(Beat { turns, handled, door })
    }
}
