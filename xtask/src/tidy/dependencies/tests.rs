//! Good and bad manifests.

use super::check;
use crate::tree::Tree;

fn complaints(path: &str, text: &str) -> usize {
    check(&Tree::of(&[(path, text)])).len()
}

#[test]
fn a_dependency_with_a_reason_is_fine() {
    let good = "[workspace.dependencies]\n# Both confine children (sandbox).\nlandlock = \"0.4\"\nseccompiler = \"0.5\"\n";
    assert_eq!(complaints("Cargo.toml", good), 0);
}

#[test]
fn a_dependency_without_a_reason_is_told() {
    let bad = "[workspace.dependencies]\n# Rooms.\nabi = { path = \"a\" }\n\nserde = \"1\"\n[profile.dev]\ndebug = 1\n";
    assert_eq!(complaints("Cargo.toml", bad), 1);
}

#[test]
fn crates_take_versions_from_the_workspace() {
    assert_eq!(complaints("crates/a/Cargo.toml", "[dependencies]\nserde.workspace = true\n"), 0);
    assert_eq!(complaints("crates/a/Cargo.toml", "[dev-dependencies]\nserde = \"1\"\n"), 1);
    assert_eq!(complaints("crates/a/Cargo.toml", "[lib]\ndoctest = false\n"), 0);
}
