//! Who hears which topic, compiled so that one look finds all of them, patterns and what is forbidden included.
//!
//! Every name and every stem that somebody hears or is forbidden has an entry with the seats that hear it. A message's
//! hearers are those of the entry of its topic, or else of the longest stem that the topic begins with: what is not
//! named by anybody is treated by everybody as that stem is. So nothing is merged and nothing is asked about a hearer
//! when a message is decided.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::{Name, Slot};

use super::Routes;
use super::index::Index;
use super::rules::{Rules, beginnings, stem_of};
use crate::spec::Forbidden;

/// Which entries there are, and how many modules name each.
#[derive(Debug, Clone, Default)]
pub(super) struct Hearing {
    exact: BTreeMap<Name, u32>,
    stems: BTreeMap<Name, u32>,
}

/// What one module hears and must not hear.
#[derive(Debug, Clone, Default)]
pub(super) struct Ears {
    names: BTreeSet<Name>,
    hears: Rules,
    forbidden: Rules,
}

impl Ears {
    pub(super) fn of(hears: &BTreeSet<Name>, forbidden: &Forbidden) -> Self {
        Self {
            names: hears.union(&forbidden.topics).cloned().collect(),
            hears: Rules::of(hears),
            forbidden: Rules::of(&forbidden.topics),
        }
    }

    fn hears(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Exact(name) => self.hears.matches(name.as_str()) && !self.forbidden.matches(name.as_str()),
            Entry::Stem(stem) => self.hears.covers(stem.as_str()) && !self.forbidden.covers(stem.as_str()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Exact(Name),
    Stem(Name),
}

impl Entry {
    fn of(name: &Name) -> Self {
        stem_of(name).map_or_else(|| Self::Exact(name.clone()), Self::Stem)
    }
}

impl Hearing {
    /// A module hears something else now.
    pub(super) fn change(&mut self, routes: &mut Routes, slot: Slot, before: &Ears, now: &Ears) {
        for name in now.names.difference(&before.names) {
            self.enter(routes, &Entry::of(name));
        }
        let mut affected = BTreeSet::new();
        for name in before.names.union(&now.names) {
            self.collect(&Entry::of(name), &mut affected);
        }
        for entry in &affected {
            let (is, was) = (now.hears(entry), before.hears(entry));
            if is != was {
                change_slots(routes, entry, slot, is);
            }
        }
        for name in before.names.difference(&now.names) {
            self.leave(routes, &Entry::of(name));
        }
        routes.has_stems = !self.stems.is_empty();
    }

    /// The entries whose hearers depend on this one.
    fn collect(&self, entry: &Entry, into: &mut BTreeSet<Entry>) {
        into.insert(entry.clone());
        let Entry::Stem(stem) = entry else { return };
        let under = |name: &&Name| name.as_str().starts_with(stem.as_str());
        let exact = self.exact.range(stem.clone()..).map(|(name, _)| name).take_while(under);
        into.extend(exact.cloned().map(Entry::Exact));
        let stems = self.stems.range(stem.clone()..).map(|(name, _)| name).take_while(under);
        into.extend(stems.cloned().map(Entry::Stem));
    }

    /// A new entry begins as what it was treated as before.
    fn enter(&mut self, routes: &mut Routes, entry: &Entry) {
        let (uses, name) = match entry {
            Entry::Exact(name) => (self.exact.entry(name.clone()).or_default(), name),
            Entry::Stem(stem) => (self.stems.entry(stem.clone()).or_default(), stem),
        };
        *uses += 1;
        if *uses == 1 {
            let longer = beginnings(name.as_str()).find_map(|stem| routes.stems.get(stem)).cloned();
            let slots = longer.unwrap_or_else(|| Arc::from([]));
            table(routes, entry).set(name, Some(slots));
        }
    }

    fn leave(&mut self, routes: &mut Routes, entry: &Entry) {
        let (all, name) = match entry {
            Entry::Exact(name) => (&mut self.exact, name),
            Entry::Stem(stem) => (&mut self.stems, stem),
        };
        let Some(uses) = all.get_mut(name) else { return };
        *uses -= 1;
        if *uses == 0 {
            all.remove(name);
            table(routes, entry).set(name, None);
        }
    }
}

fn table<'r>(routes: &'r mut Routes, entry: &Entry) -> &'r mut Index<Arc<[Slot]>> {
    match entry {
        Entry::Exact(_) => &mut routes.topics,
        Entry::Stem(_) => &mut routes.stems,
    }
}

fn change_slots(routes: &mut Routes, entry: &Entry, slot: Slot, is: bool) {
    let (Entry::Exact(name) | Entry::Stem(name)) = entry;
    let table = table(routes, entry);
    let mut slots: Vec<Slot> = table.get(name.as_str()).map_or_else(Vec::new, |slots| slots.to_vec());
    match (slots.binary_search(&slot), is) {
        (Err(at), true) => slots.insert(at, slot),
        (Ok(at), false) => drop(slots.remove(at)),
        (Ok(_), true) | (Err(_), false) => return,
    }
    table.set(name, Some(Arc::from(slots)));
}
