//! The counter of starts, and what is said of each cause.

use super::{Boots, Cause};

#[test]
fn starts_count_as_failed_until_they_have_settled() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Boots::open(folder.path());
    assert_eq!((open().failed(), open().has_settled()), (0, false));
    for count in 1..=3 {
        open().begin();
        assert_eq!((open().failed(), open().has_settled()), (count, false));
    }
    let mut boots = open();
    boots.settle();
    assert_eq!((open().failed(), open().has_settled()), (0, true));
    open().begin();
    assert_eq!((open().failed(), open().has_settled()), (1, true));
}

#[test]
fn a_counter_that_is_not_understood_counts_as_none() {
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["", "x", "-1", "99999999999999", "\0\0"] {
        std::fs::write(folder.path().join("boots"), text).expect("written");
        assert_eq!(Boots::open(folder.path()).failed(), 0, "{text:?}");
    }
    assert!(Cause::FailedBoots(3).why().contains('3'));
}
