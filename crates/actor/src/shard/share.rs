//! The shard's side of budgets that several actors have together.

use alloc::vec::Vec;

use super::Shard;
use crate::address::Addr;
use crate::shared_quota::{SharedQuota, Use};
use crate::statistics::ActorStatistics;

/// A member, and what it had used when that was added up last.
pub(super) struct Share {
    actor: Addr,
    budget: SharedQuota,
    handled: u32,
    cpu_ns: u64,
    queued: i64,
    /// The window in which it has felt that the budget was used up, by its beginning.
    felt_ns: Option<u64>,
}

impl Share {
    /// What was used since the last time.
    fn take_use(&mut self, now: &ActorStatistics) -> Use {
        let queued = i64::from(now.queued);
        let more = Use {
            messages: now.handled.wrapping_sub(self.handled),
            cpu_ns: now.cpu_ns.saturating_sub(self.cpu_ns),
            queued: queued - self.queued,
        };
        (self.handled, self.cpu_ns, self.queued) = (now.handled, now.cpu_ns, queued);
        more
    }
}

impl Shard {
    /// Makes an actor of this core a member, or takes it out.
    pub(super) fn share_budget(&mut self, actor: Addr, budget: Option<SharedQuota>) {
        self.unshare(actor.index());
        let (Some(budget), Some(now)) = (budget, self.shared.actor_at(actor.index())) else { return };
        let (handled, cpu_ns) = (now.handled, now.cpu_ns);
        let share = Share { actor, budget, handled, cpu_ns, queued: 0, felt_ns: None };
        self.bonds.shares.insert(actor.index(), share);
    }

    /// Forgets a member, and that messages wait for it.
    pub(super) fn unshare(&mut self, index: u32) {
        if let Some(share) = self.bonds.shares.remove(&index) {
            share.budget.add(Use { queued: -share.queued, ..Use::default() });
        }
    }

    /// Adds up what the members here have used, and does to all of them what their budgets want.
    pub(super) fn audit_shares(&mut self) {
        let now_ns = self.now;
        for (index, share) in &mut self.bonds.shares {
            share.budget.roll(now_ns);
            let Some(now) = self.shared.actor_at(*index) else { continue };
            let more = share.take_use(&now);
            share.budget.add(more);
        }
        let mut over = Vec::new();
        for share in self.bonds.shares.values_mut() {
            let Some((begun_ns, until_ns)) = share.budget.exceeded() else { continue };
            if share.felt_ns.replace(begun_ns) != Some(begun_ns) {
                over.push((share.actor, share.budget.quota().excess, until_ns));
            }
        }
        for (actor, excess, until_ns) in over {
            self.exceed(actor, excess, until_ns);
        }
    }
}
