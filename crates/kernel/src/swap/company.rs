//! Modules that become new together: all new lives are prepared, then one flip is theirs all, or none of them flips.
//!
//! ```text
//!   a: Starting ─ ready ─► Waiting ─┐                 ┌─► Saving ─► … ─► Prepared ─┐
//!                                   ├─ all are ready ─┤        then b, on which a   ├─ all are prepared ─► one flip
//!   b: Starting ─ ready ─► Waiting ─┘                 └─ (waits) ─► Saving ─► … ────┘
//! ```
//! # What holds
//! - Nothing is held before every new life is ready.
//! - Who calls hands its state over before whom it calls: what it still asks while it saves is answered, and what the other
//!   hands over has seen all of it.
//! - What a new life offers and requires is compared with what there will be after the flip, not with what is there before.
//! - One that fails ends the swap of all; one that falls back takes all with it, as long as their lives before are warm.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{ModuleId, Name, Slot};

use super::{After, News, SwapStep};
use crate::event::{Carry, Discovered};
use crate::graph;
use crate::machine::Kernel;
use crate::module::Module;
use crate::spec::Manner;
use crate::{Door, Outgoing};

/// Modules whose next change of files is one change.
#[derive(Debug, Clone)]
pub(crate) struct Together {
    pub(crate) modules: BTreeSet<ModuleId>,
    pub(crate) manner: Manner,
}

impl Kernel {
    /// Begins the swaps of all of these, or of none and says why.
    pub(crate) fn begin_together(&mut self, all: &[(Slot, Discovered)], after: After) -> Result<(), String> {
        let mut cargoes = Vec::new();
        for (slot, one) in all {
            self.abort_swap(*slot, "its files changed again");
            let cargo = self.check_swap(*slot, &one.spec, Carry::AsOffered);
            cargoes.push(cargo.map_err(|why| format!("`{}`: {why}", one.spec.id))?);
        }
        let ids: Vec<ModuleId> = all.iter().map(|(_, one)| one.spec.id.clone()).collect();
        for ((slot, one), cargo) in all.iter().zip(cargoes) {
            self.start_candidate(*slot, one.spec.clone(), cargo, after);
            if let Some(swap) = self.table.get_mut(*slot).and_then(|module| module.swap.as_mut()) {
                swap.company = ids.iter().filter(|id| **id != one.spec.id).cloned().collect();
                swap.is_change = true;
            }
        }
        Ok(())
    }

    /// A module and those that become new with it.
    fn company_of(&self, slot: Slot) -> Vec<Slot> {
        let swap = self.table.get(slot).and_then(|module| module.swap.as_ref());
        let others = swap.into_iter().flat_map(|swap| &swap.company);
        core::iter::once(slot).chain(others.filter_map(|id| self.table.find(id.as_str()))).collect()
    }

    fn step_of(&self, slot: Slot) -> Option<SwapStep> {
        Some(self.table.get(slot)?.swap.as_ref()?.step)
    }

    fn take_step(&mut self, slot: Slot, step: SwapStep) {
        if let Some(swap) = self.table.get_mut(slot).and_then(|module| module.swap.as_mut()) {
            swap.step = step;
        }
    }

    /// The new life could answer: it goes on when all that become new with it could.
    pub(super) fn candidate_ready(&mut self, slot: Slot) {
        self.take_step(slot, SwapStep::Waiting);
        let members = self.company_of(slot);
        if members.iter().any(|member| self.step_of(*member) != Some(SwapStep::Waiting)) {
            return;
        }
        for member in &members {
            if let Some(why) = self.unfit(*member, &members) {
                return self.abort_swap(*member, &why);
            }
        }
        self.carry_next(&members);
    }

    /// Why a new life can't take the old one's place, if so. What it needs has to be there after the flip, and what it
    /// offers must be its own then.
    fn unfit(&self, slot: Slot, members: &[Slot]) -> Option<String> {
        let swap = self.table.get(slot)?.swap.as_ref()?;
        let mut after: BTreeMap<&Name, Slot> = self.directory.iter().map(|(name, at)| (name, *at)).collect();
        after.retain(|_, offering| !members.contains(offering));
        for member in members {
            let coming = self.table.get(*member).and_then(|module| module.swap.as_ref());
            for service in coming.into_iter().flat_map(|swap| &swap.spec.provides) {
                after.entry(service).or_insert(*member);
            }
        }
        let taken = |service: &&Name| after.get(*service).is_some_and(|other| *other != slot);
        if let Some(service) = swap.spec.provides.iter().find(taken) {
            return Some(format!("it offers `{service}`, which another module offers already"));
        }
        let missing = |service: &&Name| !after.contains_key(*service);
        let needed = swap.spec.requires.iter().find(missing)?;
        Some(format!("it requires `{needed}`, which is not there"))
    }

    /// State goes over for the next of them: who calls before whom it calls. When all are prepared, they flip.
    fn carry_next(&mut self, members: &[Slot]) {
        let among: BTreeSet<Slot> = members.iter().copied().collect();
        let tiers = graph::tiers(&self.table, &among);
        let is_open = |slot: &Slot| self.step_of(*slot) != Some(SwapStep::Prepared);
        let Some(tier) = tiers.iter().find(|tier| tier.iter().any(is_open)) else {
            return self.flip_together(&tiers);
        };
        for slot in tier {
            let swap = self.table.get(*slot).and_then(|module| module.swap.as_ref());
            if let Some(generation) =
                swap.filter(|swap| swap.step == SwapStep::Waiting).map(|swap| swap.generation)
            {
                self.carry_over(*slot, generation);
            }
        }
    }

    /// The new life has shown that it answers.
    pub(super) fn candidate_proven(&mut self, slot: Slot) {
        self.take_step(slot, SwapStep::Prepared);
        let members = self.company_of(slot);
        self.carry_next(&members);
    }

    /// All new lives answer from here on: routes are published once, after all of this.
    fn flip_together(&mut self, tiers: &[Vec<Slot>]) {
        // Who is called comes before who calls it.
        let order: Vec<Slot> = tiers.iter().rev().flatten().copied().collect();
        // What goes from one of them to another must not be taken away by the one that had it.
        for slot in &order {
            self.withdraw(*slot);
        }
        for slot in &order {
            self.flip(*slot);
        }
        for slot in order {
            self.tell_ready(slot);
        }
    }

    /// The others don't become new without this one.
    pub(super) fn abort_company(&mut self, company: &[ModuleId], failed: &ModuleId, why: &str) {
        let why = format!("`{failed}`, which becomes new with it, does not: {why}");
        for id in company {
            let slot = self.table.find(id.as_str());
            let swap = slot.and_then(|slot| self.table.get(slot)).and_then(|module| module.swap.as_ref());
            if let (Some(slot), true) = (slot, swap.is_some_and(|swap| swap.company.contains(failed))) {
                self.abort_swap(slot, &why);
            }
        }
    }

    /// Those that became new with a module and can fall back with it; they are company no more. What all of them offer is
    /// taken back, so that what went from one to another can go the other way.
    pub(super) fn dissolve_company(&mut self, slot: Slot) -> Vec<Slot> {
        let Some(module) = self.table.get_mut(slot) else { return Vec::new() };
        let (id, company) = (module.spec.id.clone(), core::mem::take(&mut module.company));
        let mut members = Vec::new();
        for other in company.iter().filter_map(|other| self.table.find(other.as_str())) {
            let is_with = |module: &&Module| {
                module.company.contains(&id) && module.warm().is_some() && module.is_ready()
            };
            if self.table.get(other).filter(is_with).is_some() {
                members.push(other);
            }
        }
        for other in &members {
            self.withdraw(*other);
        }
        if !members.is_empty() {
            self.withdraw(slot);
        }
        members
    }

    /// One of them has fallen back, so the others do.
    pub(super) fn fall_back_with(&mut self, fallen: Slot, members: Vec<Slot>) {
        let why = format!("`{}`, which became new with it, fell back", self.name_of(fallen));
        for slot in members {
            if let Some(module) = self.table.get_mut(slot) {
                module.company = Vec::new();
            }
            self.abort_swap(slot, "it falls back to the life before");
            self.make_room_for_warm(slot, &why);
        }
    }

    /// A section of the configuration changed while lives of this module don't answer: they are told once they do.
    pub(crate) fn keep_news(&mut self, slot: Slot, sections: &[String]) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let is_own = |key: &Option<String>| key.as_ref().is_some_and(|key| sections.contains(key));
        if let Some(swap) = module.swap.as_mut().filter(|swap| is_own(&swap.spec.config_key)) {
            swap.news = News::Config;
        }
        for side in module.sides.iter_mut().filter(|side| side.is_warm()) {
            if is_own(&side.spec.config_key) {
                side.news = News::Config;
            }
        }
    }

    /// Tells a life that answers from now on what it has missed.
    pub(super) fn tell_news(&mut self, slot: Slot, news: News) {
        let Some(module) = self.table.get(slot) else { return };
        if let (News::Config, Door::Lines, Some(key)) =
            (news, module.spec.door, module.spec.config_key.clone())
        {
            self.send(slot, Outgoing::ConfigUpdate(alloc::vec![key]));
        }
    }
}

#[cfg(test)]
mod tests;
