//! The counter of starts, and what is said of each cause.

use std::time::Duration;

use super::{Boots, Cause, TRY_AGAIN_AFTER};

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

#[test]
fn what_may_have_passed_is_tried_again_in_time_a_file_when_it_can_be_read_and_a_wish_stands() {
    let early = TRY_AGAIN_AFTER - Duration::from_millis(1);
    let never = || panic!("no file decides about it");
    for cause in [Cause::FailedBoots(3), Cause::Fault("a.rs:1".to_owned())] {
        assert_eq!([cause.is_gone(early, never), cause.is_gone(TRY_AGAIN_AFTER, never)], [false, true]);
    }
    let files = Cause::Files("config.yaml:1:1: no".to_owned());
    assert_eq!(
        [files.is_gone(Duration::ZERO, || true), files.is_gone(Duration::MAX, || false)],
        [true, false]
    );
    assert!(!Cause::Asked("a wish".to_owned()).is_gone(Duration::MAX, never));
}
