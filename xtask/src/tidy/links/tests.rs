//! Links that lead somewhere and links that do not.

use super::check;
use crate::tree::Tree;

fn complaints(text: &str) -> usize {
    check(&Tree::of(&[("docs/guide/a.md", text), ("README.md", ""), ("docs/concepts/b.md", "")])).len()
}

#[test]
fn links_to_files_folders_anchors_and_the_web_are_fine() {
    let good = "[a](../../README.md) [b](../concepts/b.md#x) [c](#here) [d](https://example.org/x) [e](../concepts)\n";
    assert_eq!(complaints(good), 0);
}

#[test]
fn links_to_nothing_are_told() {
    assert_eq!(complaints("[a](b.md) and [b](../../NOTHING.md)\n"), 2);
}
