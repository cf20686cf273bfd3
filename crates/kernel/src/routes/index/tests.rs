//! The table against an ordinary map, with names of every length and with buckets that overflow.

use std::collections::BTreeMap;
use std::format;
use std::string::String;
use std::vec::Vec;

use abi::Name;
use proptest::prelude::*;

use super::{BUCKETS, Index, TAGS, hash, is_same, tag_of};

fn name(text: &str) -> Name {
    Name::parse(text).expect("short")
}

#[test]
fn a_bucket_with_more_entries_than_tags_finds_them_all() {
    let names: Vec<String> = (0..BUCKETS * TAGS * 2).map(|number| format!("service-{number}")).collect();
    let mut index = Index::default();
    for (number, text) in names.iter().enumerate() {
        index.set(&name(text), Some(number));
    }
    let longest = index.buckets.iter().map(|bucket| bucket.entries.len()).max();
    assert!(longest > Some(TAGS), "some bucket overflows");
    for (number, text) in names.iter().enumerate() {
        assert_eq!(index.get(text), Some(&number));
    }
    assert_eq!(index.get("service-"), None);
}

#[test]
fn a_clone_keeps_what_its_original_changes() {
    let mut index = Index::default();
    index.set(&name("echo"), Some(1));
    let before = index.clone();
    index.set(&name("echo"), None);
    assert_eq!((before.get("echo"), index.get("echo")), (Some(&1), None));
}

#[test]
fn no_tag_says_that_there_is_no_entry() {
    assert!((0..100_000).all(|number| tag_of(hash(format!("{number}").as_bytes())) != 0));
}

#[test]
fn a_thousand_names_spread_over_the_buckets() {
    let mut index = Index::default();
    for number in 0..1000 {
        index.set(&name(&format!("service-{number}")), Some(number));
    }
    let longest = index.buckets.iter().map(|bucket| bucket.entries.len()).max().unwrap_or(0);
    assert!(longest <= 2 * TAGS, "the longest has {longest}");
}

proptest! {
    #[test]
    fn names_are_the_same_when_their_bytes_are(one in "[ab]{0,20}", other in "[ab]{0,20}") {
        prop_assert_eq!(is_same(one.as_bytes(), other.as_bytes()), one == other);
        prop_assert!(is_same(one.as_bytes(), one.as_bytes()));
    }

    #[test]
    fn it_is_always_like_an_ordinary_map(steps in prop::collection::vec(("[a-c]{0,12}", prop::option::of(0..9)), 0..80)) {
        let (mut index, mut map) = (Index::default(), BTreeMap::new());
        for (text, value) in steps {
            index.set(&name(&text), value);
            match value {
                Some(value) => map.insert(text, value),
                None => map.remove(&text),
            };
            for (text, value) in &map {
                prop_assert_eq!(index.get(text), Some(value));
            }
        }
    }
}
