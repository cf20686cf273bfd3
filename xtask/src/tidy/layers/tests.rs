//! The layer table, kept and broken.

use serde_json::{Value, json};

use super::check;
use crate::tree::Tree;

const TABLE: &str = "| level | crate | may use | purpose |\n|---|---|---|---|\n| 0 | `abi` | none | words |\n\
    | 1 | `kernel` | abi | decisions |\n";

fn workspace(kernel_uses: &[&str]) -> Value {
    let normal = |name: &&str| json!({"name": name, "kind": null});
    let mut uses: Vec<Value> = kernel_uses.iter().map(normal).collect();
    // Tests may use what they like, and crates from outside are not the table's business.
    uses.push(json!({"name": "kernel", "kind": "dev"}));
    uses.push(json!({"name": "serde", "kind": null}));
    json!({"packages": [{"name": "abi", "dependencies": []}, {"name": "kernel", "dependencies": uses}]})
}

fn complaints(table: &str, metadata: &Value) -> Vec<String> {
    let tree = Tree::of(&[("ARCHITECTURE.md", table)]);
    check(&tree, metadata).into_iter().map(|complaint| complaint.message).collect()
}

#[test]
fn a_crate_that_keeps_to_its_row_is_fine() {
    assert_eq!(complaints(TABLE, &workspace(&["abi"])), Vec::<String>::new());
    assert_eq!(complaints(TABLE, &workspace(&[])), Vec::<String>::new());
}

#[test]
fn an_edge_that_the_row_does_not_name_is_told() {
    let table = TABLE.replace("| 1 | `kernel` | abi |", "| 1 | `kernel` | none |");
    assert_eq!(
        complaints(&table, &workspace(&["abi"])),
        ["crate `kernel` uses `abi`, which its row does not name"]
    );
}

#[test]
fn a_row_may_only_point_down() {
    let table = TABLE.replace("| 0 | `abi` | none |", "| 0 | `abi` | kernel |");
    let told = complaints(&table, &workspace(&[]));
    assert_eq!(told, ["`abi` (level 0) may not use `kernel` (level 1)"]);
}

#[test]
fn rows_and_crates_belong_together() {
    let extra = format!("{TABLE}| 2 | `ghost` | abi, nobody | none |\n");
    assert_eq!(complaints(&extra, &workspace(&[])), ["`nobody` has no row", "there is no crate `ghost`"]);
    let short = TABLE.replace("| 1 | `kernel` | abi | decisions |\n", "");
    assert_eq!(complaints(&short, &workspace(&[])), ["crate `kernel` has no row in the layer table"]);
}

#[test]
fn a_missing_or_broken_table_is_told() {
    assert_eq!(complaints("# Nothing\n", &workspace(&[])).len(), 1);
    let broken = format!("{TABLE}| x | `y` | z |\n");
    assert_eq!(complaints(&broken, &workspace(&[])).len(), 1);
}
