//! The dependency graph against naive twins.

use proptest::prelude::*;

use std::collections::BTreeSet;
use std::format;
use std::vec::Vec;

use abi::{ModuleId, Permissions, Slot, Time};

use super::{cycle, dependents, depth, providers, tied, tiers};
use crate::event::Discovered;
use crate::module::Module;
use crate::table::Table;
use crate::{Grants, Spec};

/// Modules 0 to `count`, where each pair says that the first needs the second.
fn table(count: usize, edges: &[(usize, usize)]) -> Table {
    let mut table = Table::default();
    let id = |number: usize| ModuleId::parse(&format!("m{number:02}")).expect("a slug");
    for number in 0..count {
        let mut spec = Spec::plain(id(number));
        spec.needs = edges.iter().filter(|edge| edge.0 == number).map(|edge| id(edge.1)).collect();
        let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
        table.insert(Module::new(Discovered { spec, grants, refused: None }, false, Time(0)));
    }
    table
}

fn slot(number: usize) -> Slot {
    Slot(u32::try_from(number).expect("tests are small"))
}

/// Who is reached from whom, by going over all edges until nothing is new.
fn closure(count: usize, edges: &[(usize, usize)]) -> Vec<BTreeSet<usize>> {
    let mut reached: Vec<BTreeSet<usize>> = (0..count)
        .map(|number| edges.iter().filter(|edge| edge.0 == number).map(|edge| edge.1).collect())
        .collect();
    for _ in 0..count {
        for number in 0..count {
            let further: BTreeSet<usize> =
                reached[number].iter().flat_map(|at| reached[*at].clone()).collect();
            reached[number].extend(further);
        }
    }
    reached
}

fn edges() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0usize..8, 0usize..8), 0..16)
}

#[test]
fn depth_counts_the_longest_way_down() {
    let table = table(4, &[(0, 1), (1, 2), (0, 2), (3, 3)]);
    assert_eq!([0, 1, 2].map(|number| depth(&table, slot(number))), [2, 1, 0]);
}

#[test]
fn depth_counts_a_longer_way_that_ends_where_a_shorter_one_does() {
    // 0 needs 1 and 2, 2 needs 1, 1 needs 3: the longest way from 0 is 2, 1, 3.
    let table = table(4, &[(0, 1), (0, 2), (2, 1), (1, 3)]);
    assert_eq!(depth(&table, slot(0)), 3);
}

#[test]
fn a_circle_is_named_from_its_start_back_to_it() {
    let table = table(3, &[(0, 1), (1, 2), (2, 0)]);
    assert_eq!(cycle(&table, slot(1)), Some([1, 2, 0, 1].map(slot).into()));
}

proptest! {
    #[test]
    fn cycles_are_found_exactly_where_one_reaches_itself(edges in edges()) {
        let (table, reached) = (table(8, &edges), closure(8, &edges));
        for (number, reached) in reached.iter().enumerate() {
            let way = cycle(&table, slot(number));
            prop_assert_eq!(way.is_some(), reached.contains(&number));
            for pair in way.iter().flat_map(|way| way.windows(2)) {
                prop_assert!(providers(&table, pair[0]).contains(&pair[1]), "each step of the way is a need");
            }
        }
    }

    #[test]
    fn dependents_are_all_who_reach(edges in edges()) {
        let (table, reached) = (table(8, &edges), closure(8, &edges));
        for number in 0..8 {
            let twin: BTreeSet<Slot> =
                (0..8).filter(|other| *other != number && reached[*other].contains(&number)).map(slot).collect();
            prop_assert_eq!(dependents(&table, slot(number)), twin);
        }
    }

    #[test]
    fn tied_is_the_same_seen_from_either_end(edges in edges()) {
        let table = table(8, &edges);
        for left in 0..8 {
            for right in 0..8 {
                prop_assert_eq!(
                    tied(&table, slot(left)).contains(&slot(right)),
                    tied(&table, slot(right)).contains(&slot(left))
                );
            }
        }
    }

    #[test]
    fn tiers_hold_everyone_once_and_dependents_first(edges in edges()) {
        let (table, reached) = (table(8, &edges), closure(8, &edges));
        let among: BTreeSet<Slot> = (0..8).map(slot).collect();
        let tiers = tiers(&table, &among);
        let everyone: Vec<Slot> = tiers.concat();
        prop_assert_eq!(everyone.len(), 8);
        prop_assert_eq!(everyone.into_iter().collect::<BTreeSet<_>>(), among);
        let tier_of = |number: usize| tiers.iter().position(|tier| tier.contains(&slot(number)));
        let no_circle = (0..8).all(|number| !reached[number].contains(&number));
        for (user, provider) in edges.iter().filter(|edge| edge.0 != edge.1) {
            if no_circle {
                prop_assert!(tier_of(*user) < tier_of(*provider));
            }
        }
    }
}
