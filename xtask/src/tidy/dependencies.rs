//! Every dependency of the workspace says what it is for, and every crate takes its versions from there.

use crate::tree::{Complaint, TextFile, Tree};

/// Workspaces of their own, whose dependencies never reach the product.
const APART: [&str; 3] = ["fuzz/", "bare/", "bench/peers/"];

/// Checks the root manifest and those of the crates.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let manifests = tree.files.iter().filter(|file| {
        file.path.ends_with("Cargo.toml") && !APART.iter().any(|apart| file.path.starts_with(apart))
    });
    manifests
        .flat_map(|file| if file.path == "Cargo.toml" { reasons(file) } else { inherited(file) })
        .collect()
}

/// A line of the root's list stands under a comment; neighbours may share one.
fn reasons(file: &TextFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let (mut inside, mut reasoned) = (false, false);
    for (index, line) in file.text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
            reasoned = false;
        } else if line.trim().is_empty() {
            reasoned = false;
        } else if line.starts_with('#') {
            reasoned = true;
        } else if inside && !reasoned {
            let name = line.split(['=', '.', ' ']).next().unwrap_or(line);
            let message =
                format!("`{name}` has no comment above it that says what it is for and who uses it");
            complaints.push(Complaint::at(&file.path, index + 1, message));
        }
    }
    complaints
}

/// A crate's dependencies come from the workspace, so that there is one version and one reason.
fn inherited(file: &TextFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut inside = false;
    for (index, line) in file.text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && line.contains('=') && !line.starts_with('#') && !line.contains("workspace = true")
        {
            complaints.push(Complaint::at(
                &file.path,
                index + 1,
                "takes its version here: use `workspace = true`",
            ));
        }
    }
    complaints
}

#[cfg(test)]
mod tests;
