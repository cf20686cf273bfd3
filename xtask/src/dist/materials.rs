//! The bill of materials: every crate that the program is made of, in CycloneDX's form, without a time or a number of
//! its own, so that two builds give the same file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Release;
use crate::shell;

/// Writes it and gives the file.
pub(super) fn write(release: &Release, out: &Path) -> Result<PathBuf> {
    let tree = shell::read(shell::cargo().args([
        "tree",
        "--locked",
        "--package",
        "cli",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
        "--no-dedupe",
    ]))?;
    let file = out.join(format!("ostoja-{}.cdx.json", release.version));
    let mut text = serde_json::to_string_pretty(&bill(release, &tree)?)?;
    text.push('\n');
    std::fs::write(&file, text)?;
    Ok(file)
}

/// The document, from lines `name vVERSION (more)|LICENCE`.
fn bill(release: &Release, tree: &str) -> Result<Value> {
    let mut parts = BTreeSet::new();
    for line in tree.lines().filter(|line| !line.trim().is_empty()) {
        let (what, licence) = line.split_once('|').with_context(|| format!("no licence in `{line}`"))?;
        let mut words = what.split_whitespace();
        let name = words.next().context("no name")?;
        let version = words.next().context("no version")?.trim_start_matches('v');
        // A path in brackets is a room of this repository, which is the program itself.
        if !what.contains("(/") {
            parts.insert((name.to_owned(), version.to_owned(), licence.trim().to_owned()));
        }
    }
    let components: Vec<Value> = parts
        .into_iter()
        .map(|(name, version, licence)| {
            let purl = format!("pkg:cargo/{name}@{version}");
            json!({
                "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
                "licenses": [{ "expression": licence }],
            })
        })
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": "ostoja", "name": "ostoja", "version": release.version,
            "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        } },
        "components": components,
    }))
}

#[cfg(test)]
mod tests;
