//! Links in Markdown that point to files of the repository point to files that exist.

use crate::tree::{Complaint, Tree};

/// Checks every relative link of every page.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for page in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (index, line) in page.text.lines().enumerate() {
            for target in targets(line) {
                if !exists(tree, &resolved(&page.path, target)) {
                    complaints.push(Complaint::at(
                        &page.path,
                        index + 1,
                        format!("`{target}` does not exist"),
                    ));
                }
            }
        }
    }
    complaints
}

/// The relative targets of the links in a line, without anchors.
fn targets(line: &str) -> Vec<&str> {
    let links = line.match_indices("](").filter_map(|(at, _)| line[at + 2..].split(')').next());
    let inside = links.filter(|target| !target.contains("://") && !target.starts_with(['#', '<']));
    inside
        .map(|target| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty())
        .collect()
}

/// The target from the repository's root.
fn resolved(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Whether it is a file or a folder with files.
fn exists(tree: &Tree, path: &str) -> bool {
    let folder = format!("{path}/");
    path.is_empty() || tree.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
}

#[cfg(test)]
mod tests;
