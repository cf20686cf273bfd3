//! The house rules that a machine can hold. Each check is a function from what was read to complaints, with a test
//! that shows one thing it accepts and one that it refuses.
//!
//! Most rules are exact. The walls (lengths of files and functions) are a ratchet: what stands in
//! `xtask/tidy-ratchet.txt` may be over a wall, may never grow, and has to be lowered there when it shrinks.

mod dependencies;
mod layers;
mod links;
mod purity;
mod shape;
mod snippets;
mod tests_rules;
mod walls;
mod words;

use anyhow::{Result, bail};

use crate::shell;
use crate::tree::Tree;

/// Runs every check.
///
/// # Errors
/// When there are complaints, which are printed, or something can't be read.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read(&shell::root())?;
    let metadata =
        shell::read(shell::cargo().args(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let mut complaints = Vec::new();
    complaints.extend(layers::check(&tree, &metadata));
    complaints.extend(purity::check(&tree));
    complaints.extend(shape::check(&tree));
    complaints.extend(walls::check(&tree));
    complaints.extend(tests_rules::check(&tree));
    complaints.extend(words::check(&tree));
    complaints.extend(dependencies::check(&tree));
    complaints.extend(links::check(&tree));
    complaints.extend(snippets::check(&tree));
    complaints.sort();
    for complaint in &complaints {
        println!("{}: {}", complaint.place, complaint.message);
    }
    if !complaints.is_empty() {
        bail!("tidy: {} complaints about {} files", complaints.len(), tree.files.len());
    }
    println!("tidy: {} files, nothing to complain about", tree.files.len());
    Ok(())
}
