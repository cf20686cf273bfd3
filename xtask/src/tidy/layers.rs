//! The layer table of ARCHITECTURE.md against what cargo knows: a crate may use only the crates named in its row.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::tree::{Complaint, Tree};

/// Where the table is.
const PAGE: &str = "ARCHITECTURE.md";

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: usize,
    level: u32,
    name: String,
    may_use: BTreeSet<String>,
}

/// Compares the table with the crates of the workspace.
pub(super) fn check(tree: &Tree, metadata: &Value) -> Vec<Complaint> {
    let Some(page) = tree.file(PAGE) else { return vec![Complaint::about(PAGE, "is missing")] };
    let (rows, mut complaints) = rows(&page.text);
    if rows.is_empty() {
        complaints.push(Complaint::about(PAGE, "has no table `| level | crate | may use | purpose |`"));
        return complaints;
    }
    complaints.extend(check_rows(&rows));
    complaints.extend(check_edges(&rows, &edges(metadata)));
    complaints
}

/// Reads every row of every table with the known head.
fn rows(text: &str) -> (Vec<Row>, Vec<Complaint>) {
    let (mut rows, mut complaints, mut inside) = (Vec::new(), Vec::new(), false);
    for (index, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        if !line.trim_start().starts_with('|') {
            inside = false;
        } else if cells == ["level", "crate", "may use", "purpose"] {
            inside = true;
        } else if inside && !cells[0].starts_with("--") {
            match row(index + 1, &cells) {
                Some(row) => rows.push(row),
                None => complaints.push(Complaint::at(
                    PAGE,
                    index + 1,
                    "is no row `| 1 | `name` | a, b | purpose |`",
                )),
            }
        }
    }
    (rows, complaints)
}

fn row(line: usize, cells: &[&str]) -> Option<Row> {
    let [level, name, may_use, _purpose] = cells else { return None };
    let names = may_use.split(',').map(|name| name.trim().to_owned());
    let may_use = if *may_use == "none" { BTreeSet::new() } else { names.collect() };
    Some(Row { line, level: level.parse().ok()?, name: name.trim_matches('`').to_owned(), may_use })
}

/// The table on its own: every name has one row, and uses point down.
fn check_rows(rows: &[Row]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut levels = BTreeMap::new();
    for row in rows {
        if levels.insert(row.name.as_str(), row.level).is_some() {
            complaints.push(Complaint::at(PAGE, row.line, format!("`{}` has two rows", row.name)));
        }
    }
    for row in rows {
        for used in &row.may_use {
            match levels.get(used.as_str()) {
                None => complaints.push(Complaint::at(PAGE, row.line, format!("`{used}` has no row"))),
                Some(level) if *level >= row.level => {
                    let message =
                        format!("`{}` (level {}) may not use `{used}` (level {level})", row.name, row.level);
                    complaints.push(Complaint::at(PAGE, row.line, message));
                }
                Some(_) => {}
            }
        }
    }
    complaints
}

/// What each crate of the workspace uses of the others, tests left out.
fn edges(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let name_of = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let names: BTreeSet<String> = packages.iter().map(|package| name_of(package)).collect();
    let used_by = |package: &Value| {
        let all = package["dependencies"].as_array().into_iter().flatten();
        let shipped = all.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
        shipped.map(name_of).filter(|name| names.contains(name)).collect()
    };
    packages.iter().map(|package| (name_of(package), used_by(package))).collect()
}

/// The table against the truth.
fn check_edges(rows: &[Row], edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (name, uses) in edges {
        let Some(row) = rows.iter().find(|row| row.name == *name) else {
            complaints.push(Complaint::about(PAGE, format!("crate `{name}` has no row in the layer table")));
            continue;
        };
        for used in uses.difference(&row.may_use) {
            let message = format!("crate `{name}` uses `{used}`, which its row does not name");
            complaints.push(Complaint::at(PAGE, row.line, message));
        }
    }
    for row in rows.iter().filter(|row| !edges.contains_key(&row.name)) {
        complaints.push(Complaint::at(PAGE, row.line, format!("there is no crate `{}`", row.name)));
    }
    complaints
}

#[cfg(test)]
mod tests;
