//! Good and bad shapes.

use super::check;
use crate::tree::Tree;

fn complaints(path: &str, text: &str) -> usize {
    check(&Tree::of(&[(path, text)])).len()
}

#[test]
fn a_file_opens_with_what_it_holds() {
    assert_eq!(complaints("crates/a/src/x.rs", "//! Holds x.\n"), 0);
    assert_eq!(complaints("crates/a/src/x.rs", "use y;\n"), 1);
    assert_eq!(complaints("sdk/x.py", "import y\n"), 0);
}

#[test]
fn names_mean_something() {
    assert_eq!(complaints("crates/a/src/restart.rs", "//! A.\n"), 0);
    assert_eq!(complaints("crates/a/src/utils.rs", "//! A.\n"), 1);
    assert_eq!(complaints("crates/helpers/src/a.rs", "//! A.\n"), 1);
    assert_eq!(complaints("crates/a/src/utility_meter.rs", "//! A.\n"), 0);
}

#[test]
fn lines_end_where_they_end() {
    assert_eq!(complaints("README.md", "a\nb\n"), 0);
    assert_eq!(complaints("README.md", "a \nb\t\n"), 2);
    assert_eq!(complaints("README.md", "a"), 1);
    assert_eq!(complaints("crates/a/src/x.rs", "//! A. \nconst A: &str = \"a \nb\"; \n"), 2);
    assert_eq!(complaints("conformance/vectors/a.jsonl", "a \n"), 0);
}
