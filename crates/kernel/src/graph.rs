//! Who depends on whom: needs between modules and requires between services, seen as one graph.

use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;

use abi::Slot;

use crate::table::Table;

/// The modules that this one can't work without, as far as they are known.
pub(crate) fn providers(table: &Table, slot: Slot) -> BTreeSet<Slot> {
    let Some(module) = table.get(slot) else { return BTreeSet::new() };
    let services = module.spec.requires.iter().flat_map(|service| table.offering(service));
    let needs = module.spec.needs.iter().filter_map(|id| table.find(id.as_str()));
    services.copied().chain(needs).collect()
}

/// A way from this module back to itself, if there is one: the module first and last.
pub(crate) fn cycle(table: &Table, slot: Slot) -> Option<Vec<Slot>> {
    let mut came_from: BTreeMap<Slot, Slot> = BTreeMap::new();
    let mut open = vec![slot];
    while let Some(at) = open.pop() {
        for next in providers(table, at) {
            if next == slot {
                return Some(way_back(&came_from, slot, at));
            }
            if let Entry::Vacant(unseen) = came_from.entry(next) {
                unseen.insert(at);
                open.push(next);
            }
        }
    }
    None
}

fn way_back(came_from: &BTreeMap<Slot, Slot>, start: Slot, mut at: Slot) -> Vec<Slot> {
    let mut way = vec![start];
    while at != start {
        way.push(at);
        match came_from.get(&at) {
            Some(before) => at = *before,
            None => break,
        }
    }
    way.push(start);
    way.reverse();
    way
}

/// Everything that depends on this module, directly or not, without itself.
pub(crate) fn dependents(table: &Table, slot: Slot) -> BTreeSet<Slot> {
    let back = backward(table, &table.slots());
    reach(slot, |at| back.get(&at).cloned().unwrap_or_default())
}

/// Everything tied to this module in either direction, without itself.
pub(crate) fn tied(table: &Table, slot: Slot) -> BTreeSet<Slot> {
    let back = backward(table, &table.slots());
    reach(slot, |at| {
        let mut near = providers(table, at);
        near.extend(back.get(&at).into_iter().flatten());
        near
    })
}

/// The order of a shutdown among these: dependents first. Members of a cycle share the tier in which it is reached.
pub(crate) fn tiers(table: &Table, among: &BTreeSet<Slot>) -> Vec<Vec<Slot>> {
    let members: Vec<Slot> = among.iter().copied().collect();
    let back = backward(table, &members);
    let mut left = among.clone();
    let mut tiers = Vec::new();
    while !left.is_empty() {
        let is_free = |slot: &Slot| {
            back.get(slot).is_none_or(|users| users.iter().all(|user| user == slot || !left.contains(user)))
        };
        let mut tier: Vec<Slot> = left.iter().copied().filter(is_free).collect();
        if tier.is_empty() {
            tier = left.iter().copied().collect();
        }
        for slot in &tier {
            left.remove(slot);
        }
        tiers.push(tier);
    }
    tiers
}

/// How many providers stand in the longest row below this module. A circle, which never starts, counts as a row of
/// all modules.
pub(crate) fn depth(table: &Table, slot: Slot) -> u32 {
    let mut depth = 0;
    let mut level = providers(table, slot);
    while !level.is_empty() && depth < table.len() {
        depth += 1;
        level = level.iter().flat_map(|at| providers(table, *at)).collect();
    }
    depth
}

/// For each of these, who among these depends on it.
fn backward(table: &Table, among: &[Slot]) -> BTreeMap<Slot, BTreeSet<Slot>> {
    let mut back: BTreeMap<Slot, BTreeSet<Slot>> = BTreeMap::new();
    for user in among {
        for provider in providers(table, *user) {
            back.entry(provider).or_default().insert(*user);
        }
    }
    back
}

fn reach(start: Slot, near: impl Fn(Slot) -> BTreeSet<Slot>) -> BTreeSet<Slot> {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for next in near(at) {
            if next != start && seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests;
