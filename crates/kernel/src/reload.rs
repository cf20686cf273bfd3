//! Changed files: modules, approvals and configuration, acted on by difference.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{ModuleId, Reason, Record, Slot, Zone};

use crate::event::Discovered;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Rest, Then};
use crate::{Door, Failure, Grants, Outgoing};

impl Kernel {
    /// All modules there are: gone ones end, changed ones get a new life, new ones start by priority.
    pub(crate) fn handle_discovered(&mut self, found: Vec<Discovered>) {
        let present: BTreeSet<ModuleId> = found.iter().map(|one| one.spec.id.clone()).collect();
        let together = self.together.take();
        let is_together = |id: &ModuleId| together.as_ref().is_some_and(|all| all.modules.contains(id));
        let (company, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| is_together(&one.spec.id));
        let mut gone = Vec::new();
        for slot in self.table.slots() {
            let Some(module) = self.table.get(slot) else { continue };
            if !module.by_hand && !present.contains(&module.spec.id) {
                self.record(self.record_of(slot, "module.gone"));
                if self.table.get(slot).is_some_and(|module| is_together(&module.spec.id)) {
                    gone.push(slot);
                } else {
                    self.end(slot, Reason::Uninstalled, Then::Forget, 0);
                }
            }
        }
        if let Some(together) = &together {
            self.take_up_together(company, gone, together.manner);
        }
        let mut fresh = Vec::new();
        for one in found {
            match self.table.find(one.spec.id.as_str()) {
                Some(slot) => self.meet_again(slot, one),
                None => fresh.extend(self.insert(one, false)),
            }
        }
        fresh.sort_by_key(|slot| self.table.get(*slot).map_or(u32::MAX, |module| module.spec.priority));
        for slot in fresh {
            self.begin_if_wanted(slot);
        }
    }

    pub(crate) fn handle_added(&mut self, one: Discovered) {
        let slot = match self.table.find(one.spec.id.as_str()) {
            Some(slot) => {
                self.meet_again(slot, one);
                Some(slot)
            }
            None => self.insert(one, true),
        };
        if let Some(slot) = slot {
            // Adding it by hand is an operator's word too.
            if let Some(module) = self.table.get_mut(slot) {
                module.kept_down = false;
            }
            self.begin_if_wanted(slot);
        }
    }

    pub(crate) fn insert(&mut self, one: Discovered, by_hand: bool) -> Option<Slot> {
        let id = one.spec.id.clone();
        let slot = self.table.insert(Module::new(one, by_hand, self.now));
        if slot.is_none() {
            self.record(Record::new("module.too_many").of(&id, None));
        }
        slot
    }

    pub(crate) fn begin_if_wanted(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        let is_idle = matches!(module.phase, Phase::Idle(_)) && !self.is_gathering(&module.spec.id);
        let wanted = module.spec.start_at_boot && !module.kept_down && is_idle;
        if wanted {
            // A refusal is journaled and shown where it is found.
            let _refused = self.begin(slot);
        } else if let Some(why) = module.refused.clone().filter(|_| matches!(module.phase, Phase::Idle(_))) {
            self.refuse(slot, &why);
        }
    }

    pub(crate) fn meet_again(&mut self, slot: Slot, one: Discovered) {
        let Some(module) = self.table.get_mut(slot) else { return };
        if module.phase_forgets() {
            // It is on its way out because it was gone; now it is back, and starts anew after its end.
            return self.return_after_end(slot, one);
        }
        let changed = module.spec.fingerprint != one.spec.fingerprint;
        let refused_before = module.refused.is_some();
        let runs = module.generation().is_some();
        if let Some(why) = one.refused.clone() {
            module.refused = Some(why.clone());
            if runs {
                self.record(self.record_of(slot, "module.kept").text("why", why));
                // It may run on as it is, but not with more than is approved now.
                return self.apply_grants(slot, Some(one.grants));
            }
            self.take_over(slot, one);
            self.refuse(slot, &why);
            return self.fail_waiters(slot, Failure::Refused, &why);
        }
        module.refused = None;
        if !changed {
            // Between two looks it may have changed and changed back.
            module.successor = None;
            module.manner = None;
            // What it asks for is no part of what it is: that follows from what is approved.
            module.spec.declared = one.spec.declared;
            if module.swap.as_ref().is_some_and(crate::swap::Swap::is_change) {
                self.abort_swap(slot, "its files are the earlier ones again");
                if let Some(module) = self.table.get_mut(slot) {
                    module.successor = None;
                }
            }
            self.apply_grants(slot, Some(one.grants));
            if refused_before && !runs {
                self.begin_if_wanted(slot);
            }
            return;
        }
        if runs {
            return self.swap(slot, one);
        }
        let awaited = matches!(module.phase, Phase::Held | Phase::Queued(_));
        let done = module.phase == Phase::Idle(Rest::Completed);
        self.take_over(slot, one);
        self.reset_count(slot);
        if awaited {
            self.rest(slot, Rest::Stopped, String::new());
            // A refusal is journaled, and told to those who wait, where it is found.
            let _refused = self.begin(slot);
        } else if !done {
            self.begin_if_wanted(slot);
        }
    }

    /// A module with a process has changed: its next life is the changed one. One that is ending keeps what was to
    /// follow its end, so that a changed file does not bring back what is meant to be gone.
    fn swap(&mut self, slot: Slot, one: Discovered) {
        self.record(self.record_of(slot, "module.changed"));
        let Some(module) = self.table.get_mut(slot) else { return };
        let before = module.approved_for_life();
        module.grants = one.grants.clone();
        let is_hot = one.refused.is_none() && self.take_up_hot(slot, &one.spec);
        self.keep_approved(slot, before, one.grants.base);
        if is_hot {
            return;
        }
        let Some(module) = self.table.get_mut(slot) else { return };
        module.successor = Some((one.spec, one.refused));
        if matches!(module.phase, Phase::Running(..)) {
            self.end(slot, Reason::HotSwap, Then::Respawn, 0);
        }
    }

    fn return_after_end(&mut self, slot: Slot, one: Discovered) {
        self.record(self.record_of(slot, "module.back"));
        let Some(module) = self.table.get_mut(slot) else { return };
        module.grants = one.grants;
        module.successor = Some((one.spec, one.refused));
        let follows = if module.kept_down { Then::Stay } else { Then::Respawn };
        if let Phase::Ending { then, .. } = &mut module.phase {
            *then = follows;
        }
    }

    /// A module without a process takes over what was found of it last; says whether there was something.
    pub(crate) fn take_successor(&mut self, slot: Slot) -> bool {
        let Some(module) = self.table.get_mut(slot) else { return false };
        let Some((spec, refused)) = module.successor.take() else { return false };
        module.refused = refused;
        module.reason = None;
        self.table.replace_spec(slot, spec);
        true
    }

    /// What an earlier description was ended for is no reason any more, for showing or for starting again.
    pub(crate) fn take_over(&mut self, slot: Slot, one: Discovered) {
        if let Some(module) = self.table.get_mut(slot) {
            module.reason = None;
            module.grants = one.grants;
            module.refused = one.refused;
            module.successor = None;
        }
        self.table.replace_spec(slot, one.spec);
    }

    pub(crate) fn reset_count(&mut self, slot: Slot) {
        if let Some(module) = self.table.get_mut(slot) {
            module.restart_count = 0;
        }
    }

    pub(crate) fn handle_grants_changed(&mut self, changes: Vec<(ModuleId, Option<Grants>)>) {
        for (id, grants) in changes {
            if let Some(slot) = self.table.find(id.as_str()) {
                self.apply_grants(slot, grants);
            }
        }
    }

    fn apply_grants(&mut self, slot: Slot, grants: Option<Grants>) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let grants = grants.unwrap_or_default();
        if module.grants == grants {
            return;
        }
        let runs = module.generation().is_some();
        let before = core::mem::replace(&mut module.grants, grants);
        let now = &module.grants;
        let (was_gone, gone) = (before.base.is_none(), now.base.is_none());
        // Quarantine and a promotion change the zone and with it the ceiling.
        let zone_before =
            if before.is_quarantined { Zone::Sandbox } else { before.zone.unwrap_or(module.spec.zone) };
        let same = before.effective() == now.effective()
            && zone_before == module.zone()
            && before.capabilities == now.capabilities
            && before.forbid == now.forbid;
        if gone && was_gone {
            return;
        }
        if gone {
            self.record(self.record_of(slot, "permission.gone"));
            return self.end(slot, Reason::PermissionsRevoked, Then::Stay, 0);
        }
        if was_gone {
            self.record(self.record_of(slot, "permission.approved"));
            if let Some(module) = self.table.get_mut(slot) {
                module.amend_end(Then::Respawn);
            }
            return self.begin_if_wanted(slot);
        }
        if !same && runs {
            let before = self.under_ceiling(zone_before, before.effective());
            let how = self.how_to_take_up(slot, &before);
            self.record(self.record_of(slot, how.code()));
            self.take_up(slot, how);
        }
    }

    /// Owners are told, those who depend on a section get a new life.
    pub(crate) fn handle_config_changed(&mut self, sections: &[String]) {
        if sections.is_empty() {
            return;
        }
        self.record(Record::new("config.changed").text("sections", sections.join(", ")));
        for slot in self.table.slots() {
            let Some(module) = self.table.get(slot) else { continue };
            if !matches!(module.phase, Phase::Running(..)) {
                continue;
            }
            let depends = sections.iter().find(|section| module.spec.config_dependencies.contains(*section));
            if let Some(section) = depends {
                let record = self.record_of(slot, "config.restart").text("section", section.clone());
                self.note(slot, format!("depends on the configuration `{section}`, which changed"));
                self.record(record);
                self.end(slot, Reason::ConfigUpdate, Then::Respawn, 0);
                continue;
            }
            let own = sections.iter().filter(|section| module.spec.config_key.as_ref() == Some(*section));
            let own: Vec<String> = own.cloned().collect();
            self.keep_news(slot, sections);
            let Some(module) = self.table.get(slot) else { continue };
            if !own.is_empty() && module.spec.door == Door::Lines {
                self.send(slot, Outgoing::ConfigUpdate(own));
            }
        }
    }
}

impl Module {
    pub(crate) fn phase_forgets(&self) -> bool {
        matches!(self.phase, Phase::Ending { then: Then::Forget, .. })
    }
}

#[cfg(test)]
mod tests;
