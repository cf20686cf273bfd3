//! No number twice, whatever happens to the run or the file.

use abi::Generation;

use super::{Lives, RESERVE};

#[test]
fn a_run_that_ended_in_order_is_followed_without_a_gap() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let (mut lives, last) = Lives::open(state.path());
    assert_eq!(last, Generation(0));
    lives.note(Generation(7));
    lives.close(Generation(7));
    assert_eq!(Lives::open(state.path()).1, Generation(7));
}

#[test]
fn a_run_that_was_killed_is_followed_behind_its_reserve() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let (mut lives, _) = Lives::open(state.path());
    for life in 1..=RESERVE + 5 {
        lives.note(Generation(life));
    }
    drop(lives);
    let (_, last) = Lives::open(state.path());
    assert!(last.0 >= RESERVE + 5, "{last}");
}

#[test]
fn a_file_that_holds_no_number_counts_as_none() {
    let state = tempfile::tempdir().expect("a temporary folder");
    for text in ["", "x", "-1", "99999999999999999999999", "ż".repeat(30).as_str()] {
        std::fs::write(state.path().join("lives"), text).expect("it is ours");
        assert_eq!(Lives::open(state.path()).1, Generation(0), "{text}");
    }
}

#[test]
fn a_missing_folder_is_no_reason_to_stop() {
    let state = tempfile::tempdir().expect("a temporary folder");
    let (mut lives, last) = Lives::open(&state.path().join("gone"));
    lives.note(Generation(1));
    assert_eq!(last, Generation(0));
}
