//! Changed files: modules, approvals and configuration, acted on by difference.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{ModuleId, Reason, Record, Slot};

use crate::event::Discovered;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Rest, Then};
use crate::{Door, Grants, Outgoing};

impl Kernel {
    /// All modules there are: gone ones end, changed ones get a new life, new ones start by priority.
    pub(crate) fn handle_discovered(&mut self, found: Vec<Discovered>) {
        let present: BTreeSet<ModuleId> = found.iter().map(|one| one.spec.id.clone()).collect();
        for slot in self.table.slots() {
            let Some(module) = self.table.get(slot) else { continue };
            if !module.by_hand && !present.contains(&module.spec.id) {
                self.record(self.record_of(slot, "module.gone"));
                self.end(slot, Reason::Uninstalled, Then::Forget, 0);
            }
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
            self.begin_if_wanted(slot);
        }
    }

    fn insert(&mut self, one: Discovered, by_hand: bool) -> Option<Slot> {
        let id = one.spec.id.clone();
        let slot = self.table.insert(Module::new(one, by_hand, self.now));
        if slot.is_none() {
            self.record(Record::new("module.too_many").of(&id, None));
        }
        slot
    }

    fn begin_if_wanted(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        let wanted = module.spec.start_at_boot && matches!(module.phase, Phase::Idle(_));
        if wanted {
            // A refusal is journaled and shown where it is found.
            let _refused = self.begin(slot);
        } else if let Some(why) = module.refused.clone().filter(|_| matches!(module.phase, Phase::Idle(_))) {
            self.refuse(slot, &why);
        }
    }

    fn meet_again(&mut self, slot: Slot, one: Discovered) {
        let Some(module) = self.table.get_mut(slot) else { return };
        if module.phase_forgets() {
            // It is on its way out because it was gone; now it is back, and starts anew after its end.
            module.successor = Some(one);
            return self.end_again(slot);
        }
        let changed = module.spec.fingerprint != one.spec.fingerprint;
        let refused_before = module.refused.is_some();
        let runs = module.generation().is_some();
        if let Some(why) = one.refused.clone() {
            module.refused = Some(why.clone());
            if runs {
                return self.record(self.record_of(slot, "module.kept").text("why", why));
            }
            self.take_over(slot, one);
            return self.refuse(slot, &why);
        }
        module.refused = None;
        if !changed {
            self.apply_grants(slot, Some(one.grants));
            if refused_before && !runs {
                self.begin_if_wanted(slot);
            }
            return;
        }
        if runs {
            module.successor = Some(one);
            self.record(self.record_of(slot, "module.changed"));
            return self.end(slot, Reason::HotSwap, Then::Respawn, 0);
        }
        let parked = matches!(module.phase, Phase::Idle(Rest::Refused | Rest::Crashed | Rest::Fresh));
        let held = matches!(module.phase, Phase::Held | Phase::Queued(_));
        self.take_over(slot, one);
        if held {
            self.rest(slot, Rest::Stopped, String::new());
        }
        if held || parked {
            self.reset_count(slot);
            self.begin_if_wanted(slot);
        }
    }

    fn end_again(&mut self, slot: Slot) {
        if let Some(module) = self.table.get_mut(slot)
            && let Phase::Ending { then, .. } = &mut module.phase
        {
            *then = Then::Respawn;
        }
    }

    /// A module without a process takes over what was found of it last.
    pub(crate) fn take_successor(&mut self, slot: Slot) {
        let successor = self.table.get_mut(slot).and_then(|module| module.successor.take());
        if let Some(one) = successor {
            self.take_over(slot, one);
        }
    }

    fn take_over(&mut self, slot: Slot, one: Discovered) {
        if let Some(module) = self.table.get_mut(slot) {
            module.grants = one.grants;
            module.refused = one.refused;
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
        let gone = now.base.is_none();
        let same = before.effective() == now.effective() && before.capabilities == now.capabilities;
        let came = before.base.is_none() && !gone;
        if gone {
            self.record(self.record_of(slot, "permission.gone"));
            return self.end(slot, Reason::PermissionsRevoked, Then::Stay, 0);
        }
        if came {
            self.record(self.record_of(slot, "permission.approved"));
            return self.begin_if_wanted(slot);
        }
        if !same && runs {
            self.record(self.record_of(slot, "permission.changed"));
            self.renew_for_permissions(slot);
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
            if !own.is_empty() && module.spec.door == Door::Lines {
                self.send(slot, Outgoing::ConfigUpdate(own));
            }
        }
    }
}

impl Module {
    fn phase_forgets(&self) -> bool {
        matches!(self.phase, Phase::Ending { then: Then::Forget, .. })
    }
}
