//! The shape of files: they open by saying what they hold, have names that mean something, and no trailing blanks.

use crate::source::Source;
use crate::tree::{Complaint, TextFile, Tree};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "misc"];

/// Folders whose files are data that must stay byte for byte as they are.
const DATA: [&str; 3] = ["conformance/vectors/", "fuzz/seeds/", "/cases/"];

/// Checks all three rules.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        if file.path.ends_with(".rs") && !file.text.starts_with("//!") {
            complaints.push(Complaint::at(
                &file.path,
                1,
                "the first line is a `//!` that says what the file holds and why",
            ));
        }
        let mut names = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
        if let Some(name) = names.find(|name| EMPTY_NAMES.contains(name)) {
            complaints.push(Complaint::about(&file.path, format!("`{name}` is no name: say what is inside")));
        }
        if DATA.iter().any(|folder| file.path.contains(folder)) {
            continue;
        }
        complaints.extend(trailing_blanks(file));
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            complaints.push(Complaint::about(&file.path, "does not end with a newline"));
        }
    }
    complaints
}

/// Blanks at the ends of lines; within a Rust literal they may be what a test expects.
fn trailing_blanks(file: &TextFile) -> Vec<Complaint> {
    let literals = if file.path.ends_with(".rs") { Source::parse(&file.text).literals } else { Vec::new() };
    let (mut complaints, mut end) = (Vec::new(), 0);
    for (index, line) in file.text.split('\n').enumerate() {
        end += line.len();
        let is_quoted = literals.iter().any(|literal| literal.contains(&end));
        if line.ends_with([' ', '\t']) && !is_quoted {
            complaints.push(Complaint::at(&file.path, index + 1, "blanks at the end of the line"));
        }
        end += 1;
    }
    complaints
}

#[cfg(test)]
mod tests;
