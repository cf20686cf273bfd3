//! Within, over, and over with leave.

use super::{FILE_LINES_MAX, FUNCTION_LINES_MAX, RATCHET, check};
use crate::tree::Tree;

fn complaints(text: &str, ratchet: &str) -> Vec<String> {
    let tree = Tree::of(&[("crates/a/src/x.rs", text), (RATCHET, ratchet)]);
    check(&tree).into_iter().map(|complaint| complaint.message).collect()
}

fn file_of(lines: usize) -> String {
    "//! A.\n".repeat(lines)
}

fn function_of(lines: usize) -> String {
    format!("fn f() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
}

#[test]
fn at_the_wall_is_within_it() {
    assert_eq!(complaints(&file_of(FILE_LINES_MAX), ""), Vec::<String>::new());
    assert_eq!(complaints(&function_of(FUNCTION_LINES_MAX), ""), Vec::<String>::new());
}

#[test]
fn one_line_over_is_over() {
    assert_eq!(complaints(&file_of(801), ""), ["`crates/a/src/x.rs` has 801 lines, the wall is 800"]);
    assert_eq!(complaints(&function_of(71), ""), ["`crates/a/src/x.rs::f` has 71 lines, the wall is 70"]);
}

#[test]
fn an_exception_may_only_shrink_and_is_lowered_when_it_does() {
    let long = function_of(90);
    assert_eq!(complaints(&long, "crates/a/src/x.rs::f 90\n"), Vec::<String>::new());
    assert!(complaints(&long, "crates/a/src/x.rs::f 89\n")[0].contains("grew from 89 to 90"));
    assert!(complaints(&long, "crates/a/src/x.rs::f 91\n")[0].contains("shrank: write 90 instead of 91"));
    assert!(complaints(&function_of(70), "crates/a/src/x.rs::f 90\n")[0].contains("remove its line"));
}

#[test]
fn an_exception_for_nothing_is_removed() {
    assert!(complaints("//! A.\n", "crates/a/src/gone.rs 900\n")[0].contains("is not there any more"));
    assert!(complaints("//! A.\n", "nonsense\n")[0].contains("is no line"));
}

#[test]
fn test_modules_do_not_count_for_the_file() {
    let text = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", file_of(790), "    // x\n".repeat(100));
    assert_eq!(complaints(&text, ""), Vec::<String>::new());
}
