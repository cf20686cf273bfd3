//! What is pure, what may be unsafe.

use super::{check, paths};
use crate::tree::Tree;

fn complaints(path: &str, text: &str) -> Vec<String> {
    let all = check(&Tree::of(&[(path, text)]));
    all.into_iter().map(|complaint| format!("{} {}", complaint.place, complaint.message)).collect()
}

#[test]
fn a_pure_room_may_use_collections_and_durations() {
    let good =
        "use std::{collections::BTreeMap, fmt};\nuse std::time::Duration;\nuse core::time::Duration;\n";
    assert_eq!(complaints("crates/protocol/src/door.rs", good), Vec::<String>::new());
}

#[test]
fn a_pure_room_may_not_reach_outside() {
    let bad = "use std::{fmt, fs::File};\nuse std::time::{Duration, Instant};\nfn f() { std::thread::yield_now() }\n\
        use rand::Rng;\n";
    let told = complaints("crates/kernel/src/machine.rs", bad);
    assert_eq!(
        told,
        [
            "crates/kernel/src/machine.rs:1 `std::fs::File` in a pure room: take it as an argument",
            "crates/kernel/src/machine.rs:2 `std::time::Instant` in a pure room: take it as an argument",
            "crates/kernel/src/machine.rs:3 `std::thread::yield_now` in a pure room: take it as an argument",
            "crates/kernel/src/machine.rs:4 `rand::Rng` in a pure room: take it as an argument",
        ]
    );
}

#[test]
fn other_rooms_tests_and_words_in_comments_are_free() {
    assert_eq!(complaints("crates/host/src/files.rs", "use std::fs;\n"), Vec::<String>::new());
    assert_eq!(complaints("crates/kernel/src/machine/tests.rs", "use std::fs;\n"), Vec::<String>::new());
    assert_eq!(
        complaints("crates/kernel/src/machine.rs", "// std::fs is not for us\n"),
        Vec::<String>::new()
    );
}

#[test]
fn groups_within_groups_are_spelled_out() {
    let found = paths("use std::{a::{b, c as d}, e, f::{self, g}};");
    let spelled: Vec<String> = found.into_iter().map(|(_, segments)| segments.join("::")).collect();
    assert_eq!(spelled, ["std::a::b", "std::a::c", "std::e", "std::f::self", "std::f::g"]);
}

#[test]
fn unsafe_stays_in_the_sandbox() {
    let text = "#![forbid(unsafe_code)]\nfn f() { unsafe { g() } }\n";
    assert_eq!(complaints("crates/host/src/main.rs", text).len(), 1);
    assert_eq!(
        complaints("crates/sandbox/src/child.rs", "fn f() { unsafe { g() } }\n"),
        Vec::<String>::new()
    );
}

#[test]
fn front_pages_forbid_what_they_must() {
    let good = "#![no_std]\n#![forbid(unsafe_code)]\n";
    assert_eq!(complaints("crates/kernel/src/lib.rs", good), Vec::<String>::new());
    assert_eq!(complaints("crates/kernel/src/lib.rs", "//! Kernel.\n").len(), 2);
}
