//! Where control keeps what it publishes: the next `Routes`, changed by differences.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{Generation, Name, Slot};

use super::hearing::{Ears, Hearing};
use super::{Address, Beyond, May, Provider, RPC_COPY, Routes, Row, Rules, Service, Watcher, stem_of};
use crate::spec::Forbidden;

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
    /// What it may not, whatever the others say.
    pub(crate) forbid: Forbidden,
}

impl Facts {
    fn ears(&self) -> Ears {
        Ears::of(&self.hears, &self.forbid)
    }

    /// Services that it may call by their names.
    fn named(&self) -> impl Iterator<Item = &Name> {
        self.may.iter().filter(|service| stem_of(service).is_none())
    }

    fn beyond(&self) -> Option<Beyond> {
        let rules = Rules::of(&self.may);
        let beyond = Beyond {
            may: rules,
            no_services: Rules::of(&self.forbid.services),
            no_topics: Rules::of(&self.forbid.topics),
        };
        let has_any =
            !beyond.may.stems().is_empty() || !beyond.no_services.is_empty() || !beyond.no_topics.is_empty();
        has_any.then_some(beyond)
    }
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
    /// Seats whose rights a new service may be among.
    patterned: BTreeSet<Slot>,
    hearing: Hearing,
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
            self.enter(slot, facts);
        } else {
            self.routes.rows.set(slot.0 as usize, None);
            self.patterned.remove(&slot);
        }
        let ears = |facts: Option<&Facts>| facts.map(Facts::ears).unwrap_or_default();
        let (ears_before, ears_now) = (ears(before.as_ref()), ears(facts.as_ref()));
        self.hearing.change(&mut self.routes, slot, &ears_before, &ears_now);
        if let Some(before) = before {
            self.leave(slot, &before, facts.as_ref());
        }
    }

    fn enter(&mut self, slot: Slot, facts: &Facts) {
        let beyond = facts.beyond();
        let mut bits = Vec::new();
        for service in facts.named() {
            let bit = self.use_service(service);
            if beyond.as_ref().is_none_or(|beyond| !beyond.no_services.matches(service.as_str())) {
                bits.push(bit);
            }
        }
        if let Some(beyond) = beyond.as_ref().filter(|beyond| !beyond.may.stems().is_empty()) {
            let under = self.known.iter().filter(|(service, _)| beyond.allows(service.as_str()));
            bits.extend(under.map(|(_, known)| known.bit));
            self.patterned.insert(slot);
        } else {
            self.patterned.remove(&slot);
        }
        let row = Row {
            generation: facts.generation,
            is_ready: facts.is_ready,
            has_lines: facts.has_lines,
            name: facts.name.clone(),
            may: May::of(&bits),
            beyond: beyond.map(Arc::new),
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
        for service in before.named() {
            self.drop_service(service);
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
        self.show_to_patterned(service, bit);
        bit
    }

    /// A service that has its bit now is allowed to whom a pattern allows it; the bit's earlier name may have been.
    fn show_to_patterned(&mut self, service: &Name, bit: u32) {
        for slot in &self.patterned {
            let Some(row) = self.routes.rows.get(slot.0 as usize).and_then(Option::as_ref) else { continue };
            let is_allowed = row.beyond.as_ref().is_some_and(|beyond| beyond.allows(service.as_str()));
            if row.may.allows(bit) != is_allowed {
                let row = Row { may: row.may.with(bit, is_allowed), ..row.clone() };
                self.routes.rows.set(slot.0 as usize, Some(row));
            }
        }
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
            let heard = !self.routes.heard(RPC_COPY).is_empty();
            self.routes.is_rpc_heard = heard || !self.routes.watchers.is_empty();
            self.published = Arc::new(self.routes.clone());
        }
        self.published.clone()
    }
}
