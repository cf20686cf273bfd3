//! Where control keeps what it publishes: the next `Routes`, changed by differences.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{Generation, Name, Slot};

use super::{Address, May, Provider, RPC_COPY, Routes, Row, Service, Watcher};

/// What control says of one running module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) generation: Generation,
    pub(crate) is_ready: bool,
    pub(crate) has_lines: bool,
    pub(crate) name: Name,
    /// Services it may call.
    pub(crate) may: BTreeSet<Name>,
    /// Services that are in the directory as its own.
    pub(crate) offers: Vec<Name>,
    /// Topics that it hears now.
    pub(crate) hears: BTreeSet<Name>,
}

/// A service's place among the bits, and how many capabilities and providers name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    bit: u32,
    uses: u32,
}

/// The board.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board {
    routes: Routes,
    facts: BTreeMap<Slot, Facts>,
    pub(super) known: BTreeMap<Name, Known>,
    /// Bits that no name has any more.
    pub(super) free: Vec<u32>,
    published: Arc<Routes>,
    is_changed: bool,
}

impl Board {
    /// Takes what is so of a module now; nothing, if it has no process.
    pub(crate) fn put(&mut self, slot: Slot, facts: Option<Facts>) {
        let before = self.facts.get(&slot);
        if before == facts.as_ref() {
            return;
        }
        self.is_changed = true;
        let before = match &facts {
            Some(facts) => self.facts.insert(slot, facts.clone()),
            None => self.facts.remove(&slot),
        };
        // What is new is counted before what is gone is given back, so that a name that stays keeps its bit.
        if let Some(facts) = &facts {
            self.enter(slot, facts, before.as_ref());
        } else {
            self.routes.rows.set(slot.0 as usize, None);
        }
        if let Some(before) = before {
            self.leave(slot, &before, facts.as_ref());
        }
    }

    fn enter(&mut self, slot: Slot, facts: &Facts, before: Option<&Facts>) {
        let bits: Vec<u32> = facts.may.iter().map(|service| self.use_service(service)).collect();
        let row = Row {
            generation: facts.generation,
            is_ready: facts.is_ready,
            has_lines: facts.has_lines,
            name: facts.name.clone(),
            may: May::of(&bits),
        };
        self.routes.rows.set(slot.0 as usize, Some(row));
        let provider = match facts.is_ready {
            true => Provider::Ready(Address { slot, generation: facts.generation }),
            false => Provider::NotReady(slot),
        };
        for service in &facts.offers {
            let bit = self.use_service(service);
            self.routes.services.set(service, Some(Service { bit, provider }));
        }
        for topic in &facts.hears {
            if !before.is_some_and(|before| before.hears.contains(topic)) {
                self.change_hearers(topic, |slots| slots.insert(slots.partition_point(|s| *s < slot), slot));
            }
        }
    }

    fn leave(&mut self, slot: Slot, before: &Facts, now: Option<&Facts>) {
        for service in &before.offers {
            let offered_still = now.is_some_and(|now| now.offers.contains(service));
            // Another may have taken it over in the same turn.
            let own =
                self.routes.services.get(service.as_str()).is_some_and(|s| s.provider.slot() == Some(slot));
            if own
                && !offered_still
                && let Some(known) = self.known.get(service)
            {
                self.routes
                    .services
                    .set(service, Some(Service { bit: known.bit, provider: Provider::Nobody }));
            }
            self.drop_service(service);
        }
        for service in &before.may {
            self.drop_service(service);
        }
        for topic in &before.hears {
            if !now.is_some_and(|now| now.hears.contains(topic)) {
                self.change_hearers(topic, |slots| slots.retain(|other| *other != slot));
            }
        }
    }

    fn use_service(&mut self, service: &Name) -> u32 {
        if let Some(known) = self.known.get_mut(service) {
            known.uses += 1;
            return known.bit;
        }
        let bit = self.free.pop().unwrap_or_else(|| {
            u32::try_from(self.known.len()).expect("names are bounded by modules and their manifests")
        });
        self.known.insert(service.clone(), Known { bit, uses: 1 });
        self.routes.services.set(service, Some(Service { bit, provider: Provider::Nobody }));
        bit
    }

    fn drop_service(&mut self, service: &Name) {
        let Some(known) = self.known.get_mut(service) else { return };
        known.uses -= 1;
        if known.uses == 0 {
            self.free.push(known.bit);
            self.known.remove(service);
            self.routes.services.set(service, None);
        }
    }

    fn change_hearers(&mut self, topic: &Name, change: impl FnOnce(&mut Vec<Slot>)) {
        let mut slots = self.routes.topics.get(topic.as_str()).map_or_else(Vec::new, |slots| slots.to_vec());
        change(&mut slots);
        let slots = Some(slots).filter(|slots| !slots.is_empty()).map(Arc::from);
        self.routes.topics.set(topic, slots);
    }

    /// Takes the operators' subscriptions; those of one request lie together.
    pub(crate) fn watch(&mut self, watchers: Arc<[Watcher]>) {
        self.is_changed = true;
        self.routes.watchers = watchers;
    }

    pub(crate) fn set_rpc_timeout(&mut self, timeout: Duration) {
        self.is_changed |= self.routes.rpc_timeout != timeout;
        self.routes.rpc_timeout = timeout;
    }

    /// What is to be decided by from now on; the same value as before, if nothing changed.
    pub(crate) fn publish(&mut self) -> Arc<Routes> {
        if core::mem::take(&mut self.is_changed) {
            let heard = self.routes.topics.get(RPC_COPY).is_some();
            self.routes.is_rpc_heard = heard || !self.routes.watchers.is_empty();
            self.published = Arc::new(self.routes.clone());
        }
        self.published.clone()
    }
}
