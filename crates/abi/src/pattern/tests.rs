//! Where a `*` may stand, and what it means there.

use alloc::string::ToString;

use super::Pattern;

#[test]
fn a_star_stands_only_at_the_end_after_a_colon_or_a_dot() {
    for good in ["a", "a:*", "a.*", "a.b:*", ":*", ""] {
        let pattern = Pattern::parse(good).expect("it is one");
        assert_eq!(pattern.to_string(), good);
    }
    for bad in ["*", "a*", "a*b", "a:*b", "a:**", "a.*.b", "**"] {
        assert_eq!(Pattern::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_pattern_means_what_lies_under_it_and_not_its_own_beginning() {
    let under = Pattern::parse("db.*").expect("a pattern");
    assert!(under.matches("db.read"));
    assert!(under.matches("db.read.all"));
    assert!(!under.matches("db."));
    assert!(!under.matches("db"));
    assert!(!under.matches("dbx.read"));
    let exact = Pattern::parse("db.read").expect("a pattern");
    assert!(exact.matches("db.read"));
    assert!(!exact.matches("db.read.all"));
}
