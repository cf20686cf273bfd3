//! Walls for the length of files and functions, as a ratchet: nothing newly crosses one, and what is over may only shrink.

use std::collections::BTreeMap;

use crate::source::Source;
use crate::tree::{Complaint, TextFile, Tree};

/// 800 lines without test modules: past that nobody reads a file in one go.
const FILE_LINES_MAX: usize = 800;

/// 70 lines: what fits on a screen, whatever the screen.
const FUNCTION_LINES_MAX: usize = 70;

/// The exceptions: lines of `path lines` or `path::function lines`.
const RATCHET: &str = "xtask/tidy-ratchet.txt";

/// Compares every file and function with the walls and the exceptions.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let ratchet = tree.file(RATCHET).map_or("", |file| file.text.as_str());
    let (mut allowed, mut complaints) = allowances(ratchet);
    for file in tree.rust() {
        for (name, lines, line, wall) in measures(file) {
            let allowance = allowed.remove(&name);
            if let Some(message) = verdict(lines, wall, allowance) {
                complaints.push(Complaint::at(&file.path, line, format!("`{name}` {message}")));
            }
        }
    }
    for name in allowed.keys() {
        complaints
            .push(Complaint::about(RATCHET, format!("`{name}` is not there any more: remove its line")));
    }
    complaints
}

/// The exceptions by name.
fn allowances(text: &str) -> (BTreeMap<String, usize>, Vec<Complaint>) {
    let (mut allowed, mut complaints) = (BTreeMap::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parsed = line.split_once(' ').and_then(|(name, lines)| Some((name, lines.parse().ok()?)));
        match parsed {
            Some((name, lines)) => drop(allowed.insert(name.to_owned(), lines)),
            None => complaints.push(Complaint::at(
                RATCHET,
                index + 1,
                "is no line `path lines` or `path::function lines`",
            )),
        }
    }
    (allowed, complaints)
}

/// The file itself and each of its functions: name, lines, where, and the wall. Of functions with one name the longest.
fn measures(file: &TextFile) -> Vec<(String, usize, usize, usize)> {
    let source = Source::parse(&file.text);
    let tests: usize =
        source.test_ranges().iter().map(|range| source.code[range.clone()].matches('\n').count()).sum();
    let mut all = vec![(file.path.clone(), file.text.lines().count() - tests, 1, FILE_LINES_MAX)];
    let mut longest: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for function in source.functions() {
        let entry = longest.entry(format!("{}::{}", file.path, function.name)).or_default();
        *entry = (*entry).max((function.lines, function.line));
    }
    all.extend(longest.into_iter().map(|(name, (lines, line))| (name, lines, line, FUNCTION_LINES_MAX)));
    all
}

/// What is wrong with a length, if anything.
fn verdict(lines: usize, wall: usize, allowance: Option<usize>) -> Option<String> {
    match allowance {
        None if lines > wall => Some(format!("has {lines} lines, the wall is {wall}")),
        Some(allowed) if lines > allowed => {
            Some(format!("grew from {allowed} to {lines} lines, it may only shrink"))
        }
        Some(_) if lines <= wall => Some(format!("is within the wall now: remove its line from {RATCHET}")),
        Some(allowed) if lines < allowed => {
            Some(format!("shrank: write {lines} instead of {allowed} into {RATCHET}"))
        }
        None | Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
