//! The last words of a life, cut to their bound.

use super::*;

#[test]
fn a_tail_keeps_the_last_lines_and_never_more_than_its_bound() {
    let mut tail = Tail::default();
    for number in 0..2_000 {
        tail.push(format!("line {number}").as_bytes());
    }
    let lines = tail.lines();
    assert_eq!(lines.last().map(String::as_str), Some("line 1999"));
    assert!(tail.bytes.len() <= STDERR_TAIL_BYTES);
}

#[test]
fn a_line_longer_than_the_tail_keeps_its_end() {
    let mut tail = Tail::default();
    tail.push("x".repeat(10_000).as_bytes());
    tail.push(b"the end");
    assert_eq!(tail.lines().last().map(String::as_str), Some("the end"));
    assert!(tail.bytes.len() <= STDERR_TAIL_BYTES);
}

#[test]
fn bytes_that_are_no_text_are_shown_as_what_they_are_not() {
    let mut tail = Tail::default();
    tail.push(b"bad \xff byte");
    assert_eq!(tail.lines(), ["bad \u{fffd} byte"]);
}
