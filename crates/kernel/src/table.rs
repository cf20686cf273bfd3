//! All modules by seat and by name, with the index of who offers what by manifest.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use abi::limits::MODULES_MAX;
use abi::{ModuleId, Name, Slot};

use crate::module::Module;
use crate::saved::{Keep, Saved, Unreadable};
use crate::spec::Spec;

#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    seats: Vec<Option<Module>>,
    free: Vec<Slot>,
    by_id: BTreeMap<ModuleId, Slot>,
    offers: BTreeMap<Name, Vec<Slot>>,
    /// Seats in which something may have changed since the data plane was told last.
    touched: BTreeSet<Slot>,
}

impl Table {
    /// Seats a module; nothing when the table is full. The name must be new.
    pub(crate) fn insert(&mut self, module: Module) -> Option<Slot> {
        if self.by_id.len() >= MODULES_MAX {
            return None;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            Slot(u32::try_from(self.seats.len() - 1).expect("the table is bounded far below 4 G"))
        });
        self.by_id.insert(module.spec.id.clone(), slot);
        self.index(slot, &module.spec);
        self.seats[slot.0 as usize] = Some(module);
        Some(slot)
    }

    /// How many seats there are, and which of them are free, in the order in which they are not given out.
    pub(crate) fn save_seats(&self) -> Saved {
        Saved::fields([("seats", self.seats.len().save()), ("free", self.free.save())])
    }

    /// Seats that are all empty, as another table had them.
    pub(crate) fn restore_seats(saved: &Saved) -> Result<Self, Unreadable> {
        let seats: usize = saved.field("seats")?;
        let free: Vec<Slot> = saved.field("free")?;
        if seats > MODULES_MAX || free.iter().any(|slot| slot.0 as usize >= seats) {
            return Err(Unreadable::new("seats"));
        }
        Ok(Self { seats: (0..seats).map(|_| None).collect(), free, ..Self::default() })
    }

    /// Puts a module into the seat that it had.
    pub(crate) fn seat_again(&mut self, slot: Slot, module: Module) -> Result<(), Unreadable> {
        let id = module.spec.id.clone();
        let is_empty = self.seats.get(slot.0 as usize).is_some_and(Option::is_none);
        if !is_empty || self.free.contains(&slot) || self.by_id.contains_key(&id) {
            return Err(Unreadable::new("seat"));
        }
        self.index(slot, &module.spec);
        self.seats[slot.0 as usize] = Some(module);
        self.by_id.insert(id, slot);
        self.touched.insert(slot);
        Ok(())
    }

    /// A seat whose module is no more.
    pub(crate) fn leave_empty(&mut self, slot: Slot) {
        if !self.free.contains(&slot) {
            self.free.push(slot);
        }
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Module> {
        let module = self.seats.get_mut(slot.0 as usize)?.take()?;
        self.touched.insert(slot);
        self.by_id.remove(&module.spec.id);
        self.unindex(slot, &module.spec);
        self.free.push(slot);
        Some(module)
    }

    /// Gives a module another description of the same name.
    pub(crate) fn replace_spec(&mut self, slot: Slot, spec: Spec) {
        if let Some(module) = self.get_mut(slot) {
            let old = core::mem::replace(&mut module.spec, spec.clone());
            self.unindex(slot, &old);
            self.index(slot, &spec);
        }
    }

    /// How many modules there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.by_id.len()).expect("the table is bounded far below 4 G")
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&Module> {
        self.seats.get(slot.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Module> {
        let module = self.seats.get_mut(slot.0 as usize)?.as_mut();
        if module.is_some() {
            self.touched.insert(slot);
        }
        module
    }

    pub(crate) fn find(&self, id: &str) -> Option<Slot> {
        self.by_id.get(id).copied()
    }

    /// Seats that were given out to be changed since this was asked last.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<Slot> {
        core::mem::take(&mut self.touched)
    }

    /// All seats that are taken, by name.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.by_id.values().copied().collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Module)> {
        self.by_id.values().filter_map(|slot| self.get(*slot).map(|module| (*slot, module)))
    }

    /// Who offers a service by manifest, whether it runs or not.
    pub(crate) fn offering(&self, service: &Name) -> &[Slot] {
        self.offers.get(service).map_or(&[], Vec::as_slice)
    }

    fn index(&mut self, slot: Slot, spec: &Spec) {
        for service in &spec.provides {
            let offering = self.offers.entry(service.clone()).or_default();
            if !offering.contains(&slot) {
                offering.push(slot);
            }
        }
    }

    fn unindex(&mut self, slot: Slot, spec: &Spec) {
        for service in &spec.provides {
            if let Some(offering) = self.offers.get_mut(service) {
                offering.retain(|other| *other != slot);
                if offering.is_empty() {
                    self.offers.remove(service);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
