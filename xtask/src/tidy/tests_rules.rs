//! What tests may not do: be switched off, expect a panic from outside, or wait for the clock instead of an event;
//! and what code outside tests may not do: give up with `unwrap`, or be unfinished.

use crate::source::line_of;
use crate::tree::{Complaint, Tree};

/// Words that no test may hold, and what to do instead.
const NOT_IN_TESTS: [(&str, &str); 4] = [
    ("#[ignore", "a test runs or is removed; slow ones are a command of xtask"),
    ("#[should_panic", "assert on the value; a panic is no interface"),
    ("thread::sleep", "wait for the event itself, with a deadline"),
    ("time::sleep", "wait for the event itself, with a deadline"),
];

/// Words that no shipped code may hold, and what to do instead.
const NOT_IN_SHIPPED: [(&str, &str); 4] = [
    (".unwrap()", "handle it, or `expect` with the invariant that makes it true"),
    ("todo!", "finish it or leave it out"),
    ("unimplemented!", "finish it or leave it out"),
    ("dbg!", "log it or leave it out"),
];

/// Checks every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.rust() {
        complaints.extend(found(&file.path, &file.test_code(), &NOT_IN_TESTS));
        complaints.extend(found(&file.path, &file.shipped_code(), &NOT_IN_SHIPPED));
        complaints.extend(found(&file.path, &file.test_code(), &NOT_IN_SHIPPED[1..]));
    }
    complaints
}

fn found(path: &str, code: &str, words: &[(&str, &str)]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (word, instead) in words {
        for (at, _) in code.match_indices(word) {
            complaints.push(Complaint::at(path, line_of(code, at), format!("`{word}`: {instead}")));
        }
    }
    complaints
}

#[cfg(test)]
mod tests;
