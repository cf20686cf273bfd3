//! Zones as operators move modules between them, and what no fault of a lower zone may do to a higher one.
//!
//! # What holds
//! - What follows from a fault (a strategy, giving up) reaches modules of the same zone or a lower one, never a higher one, and
//!   never the whole system from the sandbox.
//! - Where a module lives is said by its files, and over them by an operator who moved it; that is kept with its approvals.
//! - Who is in quarantine lives in the sandbox zone without any right, stays down when it ends, and comes out by an
//!   operator's word alone: [`Order::Promote`](crate::Order::Promote) or a new approval.

use alloc::format;
use alloc::string::String;

use abi::{Reason, RequestId, Slot, Zone};

use crate::effect::{Answer, Effect};
use crate::machine::Kernel;
use crate::module::{Module, Phase, Then};

mod bus;
mod probation;

pub(crate) use bus::Buses;
pub(crate) use probation::Conduct;
pub use probation::Probation;

impl Module {
    /// Where it lives now.
    pub(crate) fn zone(&self) -> Zone {
        if self.grants.is_quarantined { Zone::Sandbox } else { self.grants.zone.unwrap_or(self.spec.zone) }
    }
}

impl Kernel {
    /// Whether what happens to one module may touch the other.
    pub(crate) fn may_reach(&self, from: Slot, to: Slot) -> bool {
        let zone = |slot| self.table.get(slot).map(Module::zone);
        zone(to) <= zone(from)
    }

    /// A module broke rules or limits under a strict watchdog: no right is left to it until an operator has looked.
    pub(crate) fn quarantine(&mut self, slot: Slot, why: &str) {
        let Some(module) = self.table.get_mut(slot) else { return };
        module.kept_down = true;
        if module.grants.is_quarantined {
            return;
        }
        module.grants.is_quarantined = true;
        let saved = Effect::SaveGrants(module.spec.id.clone(), module.grants.clone());
        self.record(self.record_of(slot, "module.quarantined").text("why", why));
        self.push(saved);
    }

    /// To the stable zone, and out of quarantine. What runs gets a new life there.
    pub(crate) fn order_promote(&mut self, request: RequestId, slot: Slot) {
        if self.table.get(slot).is_none_or(|module| module.zone() >= Zone::Stable) {
            return self.push(Effect::Reply(request, Answer::Already));
        }
        self.promote(slot);
        self.push(Effect::Reply(request, Answer::Done));
    }

    pub(crate) fn promote(&mut self, slot: Slot) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let from = module.zone();
        let was_quarantined = core::mem::take(&mut module.grants.is_quarantined);
        module.grants.zone = Some(Zone::Stable);
        // It was kept down for what has been looked at now.
        module.kept_down &= !was_quarantined;
        let saved = Effect::SaveGrants(module.spec.id.clone(), module.grants.clone());
        let record = self.record_of(slot, "zone.promoted").text("from", from.as_str());
        self.record(record.text("quarantined", if was_quarantined { "yes" } else { "no" }));
        self.push(saved);
        self.renew_for_permissions(slot);
    }

    /// Every module of the zone that runs gets a new life.
    pub(crate) fn order_restart_zone(&mut self, request: RequestId, zone: Zone) {
        self.record(abi::Record::new("zone.restarted").text("zone", zone.as_str()));
        for slot in self.members(zone) {
            let runs = self.table.get(slot).is_some_and(|module| matches!(module.phase, Phase::Running(..)));
            if runs {
                self.reset_count(slot);
                self.end(slot, Reason::Requested, Then::Respawn, 0);
            }
        }
        self.push(Effect::Reply(request, Answer::Done));
    }

    /// The zone begins anew: what was counted against its modules is forgotten, what an operator stopped is not, what runs gets
    /// a new life, and what was given up another try.
    pub(crate) fn order_reset_zone(&mut self, request: RequestId, zone: Zone) {
        self.record(abi::Record::new("zone.reset").text("zone", zone.as_str()));
        // The next restart finds a full one.
        self.zone_buckets.remove(&zone);
        for slot in self.members(zone) {
            self.reset_count(slot);
            let Some(module) = self.table.get(slot) else { continue };
            match module.phase {
                Phase::Running(..) => self.end(slot, Reason::Requested, Then::Respawn, 0),
                // Its wait is cut short; nothing of it is left that would have to end.
                Phase::Queued(_) => self.end(slot, Reason::Requested, Then::Respawn, 0),
                Phase::Idle(_) if !module.is_completed() => self.begin_if_wanted(slot),
                Phase::Idle(_) | Phase::Held | Phase::Ending { .. } => {}
            }
        }
        self.push(Effect::Reply(request, Answer::Done));
    }

    fn members(&self, zone: Zone) -> alloc::vec::Vec<Slot> {
        self.table.iter().filter(|(_, module)| module.zone() == zone).map(|(slot, _)| slot).collect()
    }

    /// A consequence that a fault has no right to.
    pub(crate) fn withhold(&mut self, slot: Slot, what: &str) {
        let zone = self.table.get(slot).map_or(Zone::Sandbox, Module::zone);
        let why = format!("a fault in the {zone} zone does not reach beyond it");
        self.record(self.record_of(slot, "zone.withheld").text("what", String::from(what)).text("why", why));
    }
}

#[cfg(test)]
mod tests;
