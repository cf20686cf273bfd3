//! Words that may not be in the repository: places on one machine, hosts of package registries, and promises without
//! an issue.

use crate::source::{Source, is_word_byte};
use crate::tree::{Complaint, TextFile, Tree};

/// First folders of paths that exist on one machine only. Written without slashes, since this file is checked too.
const MACHINE_FOLDERS: [&str; 2] = ["work", "root"];

/// Hosts of package registries, in two halves for the same reason.
const REGISTRY_HOSTS: [(&str, &str); 7] = [
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("registry.", "npmjs.org"),
    ("registry.", "yarnpkg.com"),
    ("files.", "pythonhosted.org"),
    ("pypi.", "org"),
    ("deb.", "debian.org"),
];

/// Words for work that is left to do.
const PROMISES: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// The lock files name their registry, since cargo and npm do so.
const LOCK_FILES: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// Checks every file.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        if !LOCK_FILES.contains(&name) {
            complaints.extend(places(file));
        }
        complaints.extend(promises(file));
    }
    complaints
}

/// Machine paths and registry hosts.
fn places(file: &TextFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            if holds_path(line, &format!("/{folder}/")) {
                let message = format!(
                    "a path on one machine (`/{folder}`): say it relative to the repository or the home"
                );
                complaints.push(Complaint::at(&file.path, index + 1, message));
            }
        }
        for (first, second) in REGISTRY_HOSTS {
            if line.contains(&format!("{first}{second}")) {
                complaints.push(Complaint::at(
                    &file.path,
                    index + 1,
                    "the host of a registry: name the package only",
                ));
            }
        }
    }
    complaints
}

/// Whether a line holds a path that begins there: `a/work/b` is a folder like any other.
fn holds_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].bytes().next_back();
        before.is_none_or(|byte| !is_word_byte(byte) && !matches!(byte, b'.' | b'}' | b')' | b'-' | b'~'))
    })
}

/// Comments that promise something without naming its issue.
fn promises(file: &TextFile) -> Vec<Complaint> {
    let text = if file.path.ends_with(".rs") {
        Source::parse(&file.text).comments
    } else if [".py", ".ts", ".mjs", ".js", ".sh", ".toml", ".yaml"]
        .iter()
        .any(|end| file.path.ends_with(end))
    {
        file.text.clone()
    } else {
        return Vec::new();
    };
    let mut complaints = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(word) = PROMISES.into_iter().find(|word| promised_for_nobody(line, word)) {
            let message =
                format!("`{word}` without an issue: do it, or name it as TODO with its number in `(#…)`");
            complaints.push(Complaint::at(&file.path, index + 1, message));
        }
    }
    complaints
}

fn promised_for_nobody(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].bytes().next_back();
        let after = &line[at + word.len()..];
        let alone =
            before.is_none_or(|byte| !is_word_byte(byte)) && !after.bytes().next().is_some_and(is_word_byte);
        let named = word == "TODO"
            && after.starts_with("(#")
            && after[2..].starts_with(|c: char| c.is_alphanumeric());
        alone && !named
    })
}

#[cfg(test)]
mod tests;
