//! Turnover: modules that become new together and can't be swapped are stopped in order, those who call first, and started
//! in order, those who are called first; none of them runs as the new one beside one that runs as the old one.
//!
//! ```text
//!   a calls b        stop a ─► a is gone ─► stop b ─► b is gone ─► start b, start a (which waits for b as ever)
//! ```
//! A turnover ends whatever becomes of its members: what an operator stops meanwhile stays stopped, and the grace of each
//! bounds its end.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use abi::{ModuleId, Reason, Slot};

use crate::event::Discovered;
use crate::graph;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Then};
use crate::spec::Manner;
use crate::swap::{After, Together};

/// Modules that are stopped together to be started together.
#[derive(Debug, Clone)]
pub(crate) struct Turnover {
    /// Those who still have to end, in their order; the first of them are being ended.
    stops: Vec<Vec<ModuleId>>,
    /// Those of them who leave.
    gone: BTreeSet<ModuleId>,
    /// Those who ran, and are started again.
    ran: Vec<ModuleId>,
    /// Those who did not run, and are started as at a boot.
    others: Vec<ModuleId>,
}

impl Kernel {
    pub(crate) fn set_together(&mut self, modules: Vec<ModuleId>, manner: Manner) {
        self.together = Some(Together { modules: modules.into_iter().collect(), manner });
    }

    /// Whether a module waits for others of its turnover to end.
    pub(crate) fn is_gathering(&self, id: &ModuleId) -> bool {
        self.turnovers.iter().any(|turnover| turnover.ran.contains(id) || turnover.others.contains(id))
    }

    /// Files of these changed together: their lives before answer again, or all are swapped, or all are stopped and started.
    pub(crate) fn take_up_together(&mut self, found: Vec<Discovered>, gone: Vec<Slot>, manner: Manner) {
        let (mut changed, mut fresh) = (Vec::new(), Vec::new());
        for one in found {
            match self.table.find(one.spec.id.as_str()) {
                None => fresh.push(one),
                Some(slot) if self.is_other(slot, &one) && one.refused.is_none() => changed.push((slot, one)),
                Some(slot) => self.meet_again(slot, one),
            }
        }
        let mut approved = Vec::new();
        for (slot, one) in &changed {
            self.record(self.record_of(*slot, "module.changed"));
            if let Some(module) = self.table.get_mut(*slot) {
                approved.push((*slot, module.approved_for_life(), one.grants.base.clone()));
                module.grants = one.grants.clone();
                module.refused = None;
            }
        }
        // The first of them takes those with it that became new with it.
        changed.retain(|(slot, one)| {
            self.is_other(*slot, one) && !self.fall_back_to(*slot, one.spec.fingerprint)
        });
        let is_done = changed.is_empty() && gone.is_empty() && fresh.is_empty();
        let is_hot = is_done || gone.is_empty() && fresh.is_empty() && self.swap_together(&changed, manner);
        if !is_hot {
            for (slot, _) in &changed {
                self.abort_swap(*slot, "its files changed again");
            }
        }
        for (slot, before, now) in approved {
            self.keep_approved(slot, before, now);
        }
        if !is_hot {
            self.turn_over(changed, fresh, &gone);
        }
    }

    /// Whether all of these are being swapped.
    fn swap_together(&mut self, changed: &[(Slot, Discovered)], manner: Manner) -> bool {
        let after = match manner {
            Manner::Restart => return false,
            Manner::Swap => After::End,
            Manner::SwapAndKeep => After::Warm,
        };
        match self.begin_together(changed, after) {
            Ok(()) => true,
            Err(why) => {
                self.record(abi::Record::new("swap.not_together").text("why", why));
                false
            }
        }
    }

    /// Whether what was found is another version of a module that stays.
    fn is_other(&self, slot: Slot, one: &Discovered) -> bool {
        let is_other =
            |module: &Module| !module.phase_forgets() && module.spec.fingerprint != one.spec.fingerprint;
        self.table.get(slot).is_some_and(is_other)
    }

    fn turn_over(&mut self, changed: Vec<(Slot, Discovered)>, fresh: Vec<Discovered>, gone: &[Slot]) {
        let (mut ran, mut others) = (Vec::new(), Vec::new());
        let mut among: BTreeSet<Slot> = gone.iter().copied().collect();
        for (slot, one) in changed {
            let id = one.spec.id.clone();
            let Some(module) = self.table.get_mut(slot) else { continue };
            if matches!(module.phase, Phase::Idle(_)) {
                self.take_over(slot, one);
                self.reset_count(slot);
                others.push(id);
            } else {
                module.successor = Some((one.spec, one.refused));
                among.insert(slot);
                ran.push(id);
            }
        }
        for one in fresh {
            let id = one.spec.id.clone();
            if self.insert(one, false).is_some() {
                others.push(id);
            }
        }
        let id_of = |slot: &Slot| self.table.get(*slot).map(|module| module.spec.id.clone());
        let tiers = graph::tiers(&self.table, &among);
        let stops: Vec<Vec<ModuleId>> =
            tiers.iter().map(|tier| tier.iter().filter_map(id_of).collect()).collect();
        let gone = gone.iter().filter_map(id_of).collect();
        let record = abi::Record::new("turnover.begun").number("modules", (ran.len() + others.len()) as u64);
        self.record(record.number("tiers", stops.len() as u64));
        let first = stops.first().cloned().unwrap_or_default();
        self.turnovers.push(Turnover { stops, gone, ran, others });
        self.end_turn(self.turnovers.len() - 1, &first);
    }

    /// These of a turnover are told to end.
    fn end_turn(&mut self, at: usize, tier: &[ModuleId]) {
        for id in tier {
            let Some(slot) = self.table.find(id.as_str()) else { continue };
            let is_gone = self.turnovers.get(at).is_some_and(|turnover| turnover.gone.contains(id));
            if is_gone {
                self.end(slot, Reason::Uninstalled, Then::Forget, 0);
            } else {
                self.end(slot, Reason::HotSwap, Then::Gather, 0);
            }
        }
    }

    /// Goes on with what may be stopped or started by now.
    pub(crate) fn advance_turnovers(&mut self) {
        let mut at = 0;
        while let Some(turnover) = self.turnovers.get(at) {
            let lives = |id: &ModuleId| {
                let module = self.table.find(id.as_str()).and_then(|slot| self.table.get(slot));
                module.is_some_and(|module| module.generation().is_some())
            };
            if turnover.stops.first().is_some_and(|tier| tier.iter().any(lives)) {
                at += 1;
                continue;
            }
            match turnover.stops.get(1).cloned() {
                Some(tier) => {
                    if let Some(turnover) = self.turnovers.get_mut(at) {
                        turnover.stops.remove(0);
                    }
                    self.end_turn(at, &tier);
                }
                None => {
                    let turnover = self.turnovers.remove(at);
                    self.start_together(turnover);
                }
            }
        }
    }

    /// All have ended: who is called is started before who calls it.
    fn start_together(&mut self, turnover: Turnover) {
        let Turnover { ran, others, .. } = turnover;
        let mut among = BTreeSet::new();
        for slot in
            ran.iter().chain(&others).filter_map(|id| self.table.find(id.as_str())).collect::<Vec<_>>()
        {
            if self.table.get(slot).is_some_and(|module| matches!(module.phase, Phase::Idle(_))) {
                self.take_successor(slot);
                among.insert(slot);
            }
        }
        for slot in graph::tiers(&self.table, &among).into_iter().rev().flatten() {
            let Some(module) = self.table.get(slot) else { continue };
            if ran.contains(&module.spec.id) && !module.kept_down {
                // Those who wait are told about a refusal by it.
                let _refused = self.begin(slot);
            } else if !module.is_completed() {
                self.begin_if_wanted(slot);
            }
        }
    }
}

crate::saved::keep_fields!(Turnover { stops, gone, ran, others });

#[cfg(test)]
mod tests;
