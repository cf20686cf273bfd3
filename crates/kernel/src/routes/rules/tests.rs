//! Compiled lists against the pattern's own meaning.

use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;

use abi::{Name, Pattern};
use proptest::prelude::*;

use super::{Rules, beginnings};

fn rules(words: &[&str]) -> Rules {
    Rules::of(&words.iter().map(|word| Name::parse(word).expect("short")).collect())
}

#[test]
fn beginnings_end_at_the_borders_inside_of_a_name() {
    assert_eq!(beginnings("a.b:c").collect::<Vec<_>>(), ["a.b:", "a."]);
    assert_eq!(beginnings("a.").count(), 0, "the whole name is no beginning of itself");
    assert_eq!(beginnings("ab").count(), 0);
    assert_eq!(beginnings("").count(), 0);
}

#[test]
fn a_text_that_is_no_pattern_means_itself() {
    let rules = rules(&["data*", "*", "a*b", "db.*"]);
    assert!(rules.matches("data*") && rules.matches("*") && rules.matches("a*b") && rules.matches("db.x"));
    assert!(!rules.matches("database") && !rules.matches("db.") && !rules.matches("db"));
}

#[test]
fn a_stem_covers_itself_and_what_is_longer() {
    let rules = rules(&["a.b.*"]);
    assert!(rules.covers("a.b.") && rules.covers("a.b.c:") && !rules.covers("a."));
}

fn word() -> impl Strategy<Value = String> {
    "[ab]{0,2}([.:][ab]{0,2}){0,3}\\*?"
}

proptest! {
    #[test]
    fn a_list_means_what_its_patterns_mean(list in prop::collection::btree_set(word(), 0..6), asked in word()) {
        let names: BTreeSet<Name> = list.iter().map(|word| Name::parse(word).expect("short")).collect();
        let naive = list.iter().any(|one| match Pattern::parse(one) {
            Some(pattern) => pattern.matches(&asked),
            None => *one == asked,
        });
        prop_assert_eq!(Rules::of(&names).matches(&asked), naive);
    }
}
