//! What all modules of a zone use together: kept by the group above theirs where there is one, by looking and by paying
//! per frame everywhere.
//!
//! # Who pays for what
//! A frame is paid twice: from the purse of its zone, and from its sender's equal share of that purse. Only when both are
//! empty does the sender wait. So all together send no more than the pool gives, and whoever keeps within its share is
//! never delayed by one who does not.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use abi::{Generation, Slot, Time, Zone};
use kernel::{Amounts, Pool, Pools, Resource, TokenBucket, View};
use protocol::operator::PoolRow;
use sandbox::control::{Caps, Weight};

use super::{BURST, Governor, Held, bucket, pressure_permille};
use crate::limits::OWING_REST;
use crate::shell::Shell;

/// What frames and calls are paid from; nothing where nothing bounds them.
#[derive(Debug, Default)]
pub(crate) struct Purse {
    frames: Option<TokenBucket>,
    calls: Option<TokenBucket>,
}

impl Purse {
    /// One that holds a part of what a pool gives per second, among so many.
    fn part(now: Time, cap: kernel::Bounds, among: u64) -> Self {
        let of = |resource| {
            cap.of(resource).map(|per_s: u64| TokenBucket::new(now, (per_s / among.max(1)).max(1), BURST))
        };
        Self { frames: of(Resource::Messages), calls: of(Resource::Calls) }
    }

    fn spend(&mut self, now: Time, frames: u64, calls: u64) {
        for (bucket, count) in [(&mut self.frames, frames), (&mut self.calls, calls)] {
            if let Some(bucket) = bucket {
                bucket.spend(now, count);
            }
        }
    }

    /// For how long both this one and a share of it are empty.
    fn wait(&mut self, share: &mut Self, now: Time) -> Option<Duration> {
        let both = |whole: &mut Option<TokenBucket>, part: &mut Option<TokenBucket>| {
            Some(whole.as_mut()?.wait(now)?.min(part.as_mut()?.wait(now)?))
        };
        both(&mut self.frames, &mut share.frames).max(both(&mut self.calls, &mut share.calls))
    }
}

/// The pools as they are held now.
#[derive(Debug, Default)]
pub(super) struct PoolsHeld {
    /// What the groups were told last; nothing before the first time.
    told: Option<Pools>,
    purses: BTreeMap<Zone, Purse>,
    /// Among how many each zone's purse is shared.
    sharers: BTreeMap<Zone, u64>,
}

/// Whether the system is to keep something of a pool, which takes its modules being in its group.
pub(super) fn is_kept(pool: Pool) -> bool {
    let kept = [Resource::Cpu, Resource::Memory, Resource::Processes];
    pool.share != Pool::default().share || kept.into_iter().any(|resource| pool.cap.of(resource).is_some())
}

impl Governor {
    /// Puts a pool's bounds on the group above its modules'.
    fn hold_pool(&self, dir: &Path, zone: Zone, pool: Pool) {
        let Some(control) = &self.control else { return };
        let caps = Caps {
            cpu_permille: pool.cap.of(Resource::Cpu),
            memory_bytes: pool.cap.of(Resource::Memory),
            processes: pool.cap.of(Resource::Processes),
            weight: Weight::of(pool.share),
        };
        if let Err(error) = control.hold_pool(dir, caps) {
            tracing::warn!(%error, %zone, "the bounds of a pool could not be set");
        }
    }
}

impl Shell {
    /// The rules may be others now: pools, and every life in them, are held by these.
    pub(crate) fn hold_pools(&mut self) {
        let pools = self.kernel.settings().pools;
        if self.governor.pools.told == Some(pools) {
            return;
        }
        let before = self.governor.pools.told.replace(pools);
        let now = self.now();
        self.governor.pools.purses.clear();
        self.governor.pools.sharers.clear();
        for zone in Zone::ALL {
            let pool = pools.of(zone);
            if let Some(dir) = self.cgroups.pool(zone) {
                self.governor.hold_pool(&dir, zone, pool);
            }
            if pool.cap.of(Resource::Messages).or(pool.cap.of(Resource::Calls)).is_some() {
                self.governor.pools.purses.insert(zone, Purse::part(now, pool.cap, 1));
            }
        }
        if let Some(before) = before {
            self.hold_lives_anew(now, before);
        }
    }

    /// What their pools give each may be another amount now, and a life that nothing bounded may be bounded.
    fn hold_lives_anew(&mut self, now: Time, before: Pools) {
        for view in self.kernel.views() {
            let Some(generation) = view.generation else { continue };
            if self.hold_guest_anew(&view, generation) {
                continue;
            }
            let Some(life) = self.life_mut(view.slot, generation) else { continue };
            let grip = life.held.grip;
            life.held.bucket = bucket(now, &view, grip);
            life.held.share = None;
            let pid = life.pid;
            let Some(dir) = self.seat(view.slot).and_then(|seat| seat.cgroup.clone()) else { continue };
            let was = before.of(view.zone);
            let was_held = is_kept(was) || is_kept(Pool { cap: was.each, ..was });
            if was_held || self.has_group_bounds(&view) || grip.cpu_permille.is_some() {
                self.governor.hold(&dir, view.bounds, grip.cpu_permille);
                self.governor.adopt(&dir, pid);
            }
        }
    }

    /// How long a life is not to be heard because what it said is not paid for.
    pub(crate) fn must_pay(&mut self, slot: Slot, generation: Generation) -> Option<Duration> {
        let now = self.now();
        let own = self.held_mut(slot, generation)?.bucket.as_mut().and_then(|bucket| bucket.wait(now));
        own.max(self.wait_for_pool(slot, generation)).map(|wait| wait.max(OWING_REST))
    }

    /// How a life is held, whether it is a process or a guest.
    fn held_mut(&mut self, slot: Slot, generation: Generation) -> Option<&mut Held> {
        self.seat_mut(slot)?.held_of(generation)
    }

    /// How long a life is not to be heard because its pool's purse and its own share of it are empty.
    fn wait_for_pool(&mut self, slot: Slot, generation: Generation) -> Option<Duration> {
        if self.governor.pools.purses.is_empty() {
            return None;
        }
        let now = self.now();
        let mut share = self.take_share(slot, generation, now)?;
        let wait = self
            .governor
            .pools
            .purses
            .get_mut(&share.zone)
            .and_then(|purse| purse.wait(&mut share.purse, now));
        if let Some(held) = self.held_mut(slot, generation) {
            held.share = Some(share);
        }
        wait
    }

    /// What a life has said is paid by it and by its pool.
    pub(crate) fn pay(&mut self, now: Time, slot: Slot, generation: Generation, frames: u64, calls: u64) {
        if let Some(bucket) = self.held_mut(slot, generation).and_then(|held| held.bucket.as_mut()) {
            bucket.spend(now, frames);
        }
        if self.governor.pools.purses.is_empty() {
            return;
        }
        let Some(mut share) = self.take_share(slot, generation, now) else { return };
        share.purse.spend(now, frames, calls);
        if let Some(purse) = self.governor.pools.purses.get_mut(&share.zone) {
            purse.spend(now, frames, calls);
        }
        if let Some(held) = self.held_mut(slot, generation) {
            held.share = Some(share);
        }
    }

    /// A life's share of its pool's purse, made anew when others have come or gone since.
    fn take_share(&mut self, slot: Slot, generation: Generation, now: Time) -> Option<Share> {
        let held = self.held_mut(slot, generation)?.share.take();
        let zone = held.as_ref().map(|share| share.zone).or_else(|| self.kernel.zone(slot))?;
        self.governor.pools.purses.get(&zone)?;
        let among = self.governor.pools.sharers.get(&zone).copied().unwrap_or(1);
        let held = held.filter(|share| share.among == among);
        let cap = self.kernel.settings().pools.of(zone).cap;
        Some(held.unwrap_or_else(|| Share { zone, among, purse: Purse::part(now, cap, among) }))
    }

    /// Counts among how many lives each purse is shared; once a look.
    pub(super) fn count_sharers(&mut self) {
        if self.governor.pools.purses.is_empty() {
            return;
        }
        let mut counts: BTreeMap<Zone, u64> = BTreeMap::new();
        for view in self.kernel.views().into_iter().filter(|view| view.generation.is_some()) {
            *counts.entry(view.zone).or_default() += 1;
        }
        self.governor.pools.sharers = counts;
    }

    /// Every zone's pool, as operators see it.
    pub(crate) fn pool_rows(&self) -> Vec<PoolRow> {
        let views = self.kernel.views();
        Zone::ALL.into_iter().map(|zone| self.pool_row(zone, &views)).collect()
    }

    fn pool_row(&self, zone: Zone, views: &[View]) -> PoolRow {
        let settings = self.kernel.settings();
        let (pool, budget) = (settings.pools.of(zone), settings.budget_of(zone));
        let members = || views.iter().filter(|view| view.zone == zone && view.generation.is_some());
        let dir = self.cgroups.pool(zone);
        let mut sum = members().fold(Amounts::default(), |sum, view| {
            let used = self.used_at_last(view);
            Resource::ALL.into_iter().fold(sum, |sum, resource| {
                sum.with(resource, sum.of(resource).saturating_add(used.of(resource)))
            })
        });
        let group = dir.as_deref().map(|dir| self.governor.used_by_pool(dir)).unwrap_or_default();
        // Where the system counts the whole pool, that is what its bound is held against.
        if is_kept(pool) || zone == Zone::Sandbox {
            sum = sum.with(Resource::Memory, group.memory_bytes.unwrap_or(sum.of(Resource::Memory)));
            sum = sum.with(Resource::Processes, group.processes.unwrap_or(sum.of(Resource::Processes)));
        }
        let is_measured = !pool.cap.is_empty() || !pool.each.is_empty();
        let is_told = |resource: &Resource| is_measured || !is_rate(*resource);
        let used = Resource::ALL.into_iter().filter(is_told).map(|one| (one.to_string(), sum.of(one)));
        let limits = Resource::ALL.into_iter().filter_map(|one| Some((one.to_string(), pool.cap.of(one)?)));
        PoolRow {
            zone: zone.to_string(),
            modules: members().count() as u64,
            share: pool.share,
            used: used.collect(),
            limits: limits.collect(),
            pressure_permille: dir.as_deref().and_then(pressure_permille),
            restarts_burst: budget.burst,
            restarts_per_s: budget.per_s,
        }
    }

    /// What a life used at the last look; what can be counted at any time, if it was not looked at.
    fn used_at_last(&self, view: &View) -> Amounts {
        let last = self.governor.last.get(&view.slot).filter(|last| Some(last.generation) == view.generation);
        match last {
            Some(last) => last.used,
            None => view
                .generation
                .and_then(|one| self.count(view.slot, one))
                .map(|(_, used)| used)
                .unwrap_or_default(),
        }
    }
}

/// Whether it takes two looks to know.
fn is_rate(resource: Resource) -> bool {
    matches!(resource, Resource::Cpu | Resource::Messages | Resource::Calls | Resource::Births)
}

/// One life's part of its pool's purse.
#[derive(Debug)]
pub(crate) struct Share {
    zone: Zone,
    among: u64,
    purse: Purse,
}

#[cfg(test)]
mod tests;
