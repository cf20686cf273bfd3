//! A licence and source check of our own over `cargo metadata`, for machines without cargo-deny: it reads the same
//! `deny.toml`, so that there is one list of what may come in.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::shell;

/// The one registry, as cargo names it.
const SOURCE: &str = "registry+";

/// Checks every package that is built, tests included.
///
/// # Errors
/// When a package has a licence that is not on the list, or comes from elsewhere.
pub(crate) fn run() -> Result<()> {
    let policy = std::fs::read_to_string(shell::root().join("deny.toml")).context("reading deny.toml")?;
    let metadata = shell::read(shell::cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let complaints = check(&allowed(&policy)?, &metadata);
    for complaint in &complaints {
        println!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} packages may not be used", complaints.len());
    }
    println!("licences: {} packages, all on the list", metadata["packages"].as_array().map_or(0, Vec::len));
    Ok(())
}

/// The licences that `deny.toml` allows.
fn allowed(policy: &str) -> Result<BTreeSet<String>> {
    let section = policy.split("[licenses]").nth(1).context("deny.toml has no [licenses]")?;
    let list = section.split("allow = [").nth(1).and_then(|rest| rest.split(']').next());
    let list = list.context("deny.toml has no `allow = [`")?;
    let lines = list.lines().map(|line| line.split('#').next().unwrap_or(""));
    let words: BTreeSet<String> =
        lines.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned).collect();
    ensure!(!words.is_empty(), "deny.toml allows nothing");
    Ok(words)
}

/// What is wrong with each package.
fn check(allowed: &BTreeSet<String>, metadata: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = format!(
            "{} {}",
            package["name"].as_str().unwrap_or("?"),
            package["version"].as_str().unwrap_or("?")
        );
        let licence = package["license"].as_str().unwrap_or("");
        if !satisfied(licence, allowed) {
            complaints.push(format!("{name}: licence `{licence}` is not on the list of deny.toml"));
        }
        if package["source"].as_str().is_some_and(|source| !source.starts_with(SOURCE)) {
            complaints.push(format!("{name}: does not come from the registry"));
        }
    }
    complaints
}

/// Whether an SPDX expression can be met with what is allowed: `OR` needs one side, `AND` both.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    // Old manifests write `MIT/Apache-2.0` for `OR`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let (is_met, used) = any_of(&tokens, allowed);
    is_met && used == tokens.len()
}

fn any_of(tokens: &[&str], allowed: &BTreeSet<String>) -> (bool, usize) {
    let (mut is_met, mut at) = all_of(tokens, allowed);
    while tokens.get(at) == Some(&"OR") {
        let (other, used) = all_of(&tokens[at + 1..], allowed);
        is_met |= other;
        at += 1 + used;
    }
    (is_met, at)
}

fn all_of(tokens: &[&str], allowed: &BTreeSet<String>) -> (bool, usize) {
    let (mut is_met, mut at) = one(tokens, allowed);
    while tokens.get(at) == Some(&"AND") {
        let (other, used) = one(&tokens[at + 1..], allowed);
        is_met &= other;
        at += 1 + used;
    }
    (is_met, at)
}

fn one(tokens: &[&str], allowed: &BTreeSet<String>) -> (bool, usize) {
    match tokens {
        ["(", rest @ ..] => {
            let (is_met, used) = any_of(rest, allowed);
            (is_met, used + 2)
        }
        [name, "WITH", exception, ..] => (allowed.contains(&format!("{name} WITH {exception}")), 3),
        [name, ..] => (allowed.contains(*name), 1),
        // Something is missing: more was used than there is, which no whole expression does.
        [] => (false, 1),
    }
}

#[cfg(test)]
mod tests;
