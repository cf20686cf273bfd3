//! Files that are generated from the sources and checked in, so that readers need no build: the JSON Schemas of both
//! doors, the module door's types for the SDKs of other languages, the list of error codes, and the dashboard's
//! sentences.

mod door_types;
mod meanings;

use anyhow::{Context as _, Result, bail};

use crate::tree::Tree;
use crate::{codes, shell};

/// What to do about a file that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write it.
    Write,
    /// Fail.
    Check,
}

/// Generates every file.
///
/// # Errors
/// When a file can't be written, or, in `Mode::Check`, differs.
pub(crate) fn run(mode: Mode) -> Result<()> {
    let tree = Tree::read(&shell::root())?;
    let door = protocol::schema::module_door();
    let table = tree.file(meanings::TABLE).with_context(|| format!("{} is not there", meanings::TABLE))?;
    let files = [
        ("schema/module-door.json", protocol::schema::to_text(&door)),
        ("sdk/typescript/door.d.mts", door_types::typescript(&door)?),
        ("sdk/go/door.go", door_types::go(&door)?),
        ("schema/operator-door.json", protocol::schema::to_text(&protocol::operator::operator_door())),
        ("docs/reference/frames.md", door_types::page(&door)?),
        ("docs/reference/errors.md", codes::page(&tree)),
        ("web/dist/meanings.json", meanings::json(&table.text)?),
    ];
    let mut drifted = Vec::new();
    for (path, text) in files {
        let full = shell::root().join(path);
        if std::fs::read_to_string(&full).is_ok_and(|present| present == text) {
            println!("{path}: up to date");
        } else if mode == Mode::Check {
            println!("{path}: differs from what the sources give");
            drifted.push(path);
        } else {
            std::fs::create_dir_all(full.parent().context("a generated file lies in a folder")?)?;
            std::fs::write(&full, text).with_context(|| format!("writing {path}"))?;
            println!("{path}: written");
        }
    }
    if !drifted.is_empty() {
        bail!("{} differ: run `cargo xtask schema` and read the difference", drifted.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
