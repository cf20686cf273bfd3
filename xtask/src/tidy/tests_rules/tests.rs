//! Good and bad tests, good and bad code.

use super::check;
use crate::tree::Tree;

fn complaints(path: &str, text: &str) -> Vec<String> {
    check(&Tree::of(&[(path, text)])).into_iter().map(|complaint| complaint.place).collect()
}

#[test]
fn a_plain_test_is_fine() {
    let good = "#[test]\nfn a_sentence() { let x = y().unwrap(); assert!(x.wait_until(DEADLINE)); }\n";
    assert_eq!(complaints("crates/a/src/x/tests.rs", good), Vec::<String>::new());
    assert_eq!(complaints("crates/a/tests/it/main.rs", good), Vec::<String>::new());
}

#[test]
fn tests_that_are_off_or_wait_for_the_clock_are_told() {
    let bad = "#[test]\n#[ignore = \"slow\"]\nfn a() {}\n#[should_panic]\nfn b() { std::thread::sleep(x) }\n";
    let told = complaints("crates/a/src/x/tests.rs", bad);
    assert_eq!(told, ["crates/a/src/x/tests.rs:2", "crates/a/src/x/tests.rs:4", "crates/a/src/x/tests.rs:5"]);
    let inside = format!("fn ok() {{}}\n#[cfg(test)]\nmod tests {{\n{bad}}}\n");
    assert_eq!(complaints("crates/a/src/x.rs", &inside).len(), 3);
}

#[test]
fn shipped_code_may_wait_but_not_give_up() {
    assert_eq!(complaints("xtask/src/x.rs", "fn f() { std::thread::sleep(x) }\n"), Vec::<String>::new());
    assert_eq!(complaints("crates/a/src/x.rs", "fn f() { a.unwrap() }\n"), ["crates/a/src/x.rs:1"]);
    assert_eq!(complaints("crates/a/src/x.rs", "fn f() { todo!() }\n"), ["crates/a/src/x.rs:1"]);
    assert_eq!(
        complaints("crates/a/src/x.rs", "fn f() { a.unwrap_or(b) } // .unwrap()\n"),
        Vec::<String>::new()
    );
}

#[test]
fn unfinished_tests_are_told_too() {
    assert_eq!(complaints("crates/a/src/x/tests.rs", "fn f() { todo!() }\n"), ["crates/a/src/x/tests.rs:1"]);
}
