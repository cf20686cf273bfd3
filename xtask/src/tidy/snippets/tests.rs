//! Shown files that work and shown files that do not.

use super::check;
use crate::tree::Tree;

fn complaints(page: &str) -> Vec<String> {
    check(&Tree::of(&[("README.md", page)])).into_iter().map(|complaint| complaint.message).collect()
}

#[test]
fn a_project_that_works_is_fine() {
    assert_eq!(complaints("A.\n\n```yaml\nmodules:\n  a:\n    run: ./a\n```\n"), Vec::<String>::new());
}

#[test]
fn a_project_with_a_slip_is_told() {
    let told = complaints("```yaml\nmodules:\n  a:\n    command: ./a\n```\n");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("what is shown does not work: ostoja.yaml:3"), "{told:?}");
}

#[test]
fn a_manifest_is_read_too() {
    let good = "```json\n{\"id\": \"a\", \"name\": \"A\", \"permissions\": {}}\n```\n";
    assert_eq!(complaints(good), Vec::<String>::new());
    assert_eq!(complaints(&good.replace("\"name\": \"A\", ", "")).len(), 1);
}

#[test]
fn other_blocks_are_left_alone() {
    assert_eq!(complaints("```sh\nmodules:\n```\n```yaml\nservices:\n  a: {}\n```\n"), Vec::<String>::new());
}
