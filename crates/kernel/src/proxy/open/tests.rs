//! The table against a map that is known to be right.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::{Open, Places};

#[test]
fn numbers_follow_each_other_and_never_come_again() {
    let mut open = Open::default();
    assert_eq!([open.open('a'), open.open('b')], [1, 2]);
    assert_eq!(open.close(2), Some('b'));
    assert_eq!(open.close(2), None);
    assert_eq!(open.open('c'), 3);
    assert_eq!((open.numbers(), open.latest(|thing| *thing != 'c')), (Vec::from([1, 3]), Some(1)));
}

#[test]
fn a_table_that_was_large_is_given_back_when_it_is_empty() {
    let mut open = Open::default();
    for thing in 0..5000 {
        open.open(thing);
    }
    for number in 1..=5000 {
        assert_eq!(open.close(number), Some(usize::try_from(number).expect("small") - 1));
    }
    assert_eq!(open.places.places.capacity(), 0);
}

proptest! {
    /// Keys that meet at the same places, put in and taken out in any order.
    #[test]
    fn it_is_as_a_map(steps in proptest::collection::vec((0u64..3, 0u64..40, any::<bool>()), 0..400)) {
        let (mut table, mut map) = (Places::default(), BTreeMap::new());
        for (life, number, goes) in steps {
            let key = (life, number * 64);
            if goes {
                prop_assert_eq!(table.remove(key), map.remove(&key));
            } else if let std::collections::btree_map::Entry::Vacant(entry) = map.entry(key) {
                table.insert(key, number);
                entry.insert(number);
            }
            prop_assert_eq!(table.len(), map.len());
            for (key, thing) in &map {
                prop_assert_eq!(table.get(*key), Some(thing));
            }
        }
    }
}
