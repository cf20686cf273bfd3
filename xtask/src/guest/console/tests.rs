//! What is read from a serial line, good and broken.

use std::time::{Duration, Instant};

use super::Console;

fn heard(lines: &[&str]) -> Console {
    let start = Instant::now();
    let mut console = Console::default();
    for (second, line) in (0..).zip(lines) {
        console.hear(start + Duration::from_secs(second), line);
    }
    console
}

#[test]
fn a_check_has_its_time_its_words_and_its_code() {
    let console = heard(&["boot\r", "@guest begin one\r", "word\r", "@guest end one 3\r", "@guest done\r"]);
    assert_eq!(console.around, ["boot"]);
    let ran = &console.ran[0];
    assert_eq!(
        (ran.code, ran.took, ran.said.clone()),
        (Some(3), Duration::from_secs(2), vec!["word".to_owned()])
    );
    assert_eq!(console.faults(&["one"]), ["one ended with 3"]);
}

#[test]
fn what_held_is_no_fault() {
    assert!(heard(&["@guest begin one", "@guest end one 0", "@guest done"]).faults(&["one"]).is_empty());
}

#[test]
fn a_guest_that_dies_in_a_check_is_told() {
    let console = heard(&["@guest begin one", "Kernel panic - not syncing"]);
    let faults = console.faults(&["one", "two"]);
    assert_eq!(faults, ["one did not end", "two did not begin", "the guest ended before it was through"]);
}

#[test]
fn a_check_can_not_end_another_nor_the_whole() {
    let console = heard(&["@guest begin one", "@guest end two 0", "@guest done", "@guest end one 0"]);
    assert_eq!(
        console.faults(&["one", "two"]),
        ["two did not begin", "the guest ended before it was through"]
    );
    assert_eq!(console.ran[0].said.len(), 2, "such lines are words of the check");
}

#[test]
fn a_mark_behind_unfinished_words_is_seen() {
    let console = heard(&["@guest begin one", "no end of line@guest end one 0", "\u{1b}[0m@guest done"]);
    assert!(console.faults(&["one"]).is_empty());
    assert_eq!(console.ran[0].said, ["no end of line"]);
}

#[test]
fn a_time_limit_is_told_as_such() {
    let console = heard(&["@guest begin one", "@guest end one 124", "@guest done"]);
    assert_eq!(console.faults(&["one"]), ["one was not through in time"]);
}
