//! Commands shown in Markdown are commands that exist: every verb and every option of `ostoja …` on a page is looked
//! up in the program's own help.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Result, ensure};

use super::{Extent, Outcome};
use crate::shell;
use crate::tree::Tree;

/// Verbs that have verbs of their own.
const NESTED: [&str; 16] = [
    "module",
    "permissions",
    "config",
    "kernel",
    "service",
    "fn",
    "context",
    "secret",
    "zone",
    "backup",
    "snapshot",
    "key",
    "update",
    "mcp",
    "token",
    "alert",
];

/// Verbs below one that takes a module as well.
const HALF_NESTED: [(&str, &str); 2] = [("restart", "plan"), ("restart", "history")];

/// A command as it is shown.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    /// One word, or two for a nested verb.
    verb: Vec<String>,
    /// Its options, without values.
    options: BTreeSet<String>,
}

/// Checks all pages against the program that the step before built.
pub(super) fn commands(_extent: Extent) -> Result<Outcome> {
    let tree = Tree::read(&shell::root())?;
    let program = shell::target().join("debug/ostoja");
    let (mut helps, mut wrong, mut count) = (BTreeMap::new(), Vec::new(), 0);
    for page in tree.files.iter().filter(|file| file.path.ends_with(".md") && file.path != "CHANGELOG.md") {
        for shown in shown_in(&page.text) {
            count += 1;
            let help = helps.entry(shown.verb.clone()).or_insert_with(|| {
                shell::read(Command::new(&program).args(&shown.verb).args(["--help", "--color", "never"]))
                    .ok()
            });
            let verb = shown.verb.join(" ");
            match help {
                None => wrong.push(format!("{}: there is no `ostoja {verb}`", page.path)),
                Some(help) => {
                    let missing = shown.options.iter().filter(|option| !has(help, option));
                    wrong.extend(
                        missing.map(|option| format!("{}: `ostoja {verb}` has no `{option}`", page.path)),
                    );
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(count > 0, "no page shows a command");
    println!("{count} shown commands exist");
    Ok(Outcome::Held)
}

/// Whether a help text lists an option, as a word of its own.
fn has(help: &str, option: &str) -> bool {
    help.split(|c: char| c.is_whitespace() || c == ',' || c == '=').any(|word| word == option)
}

/// Every command on a page, from code spans and from fenced lines.
fn shown_in(page: &str) -> Vec<Shown> {
    let (mut found, mut is_fenced) = (BTreeSet::new(), false);
    for line in page.lines() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
        } else if is_fenced {
            found.extend(line.trim().strip_prefix("ostoja ").and_then(read));
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.filter_map(|span| span.strip_prefix("ostoja ").and_then(read)));
        }
    }
    found.into_iter().collect()
}

/// The words behind `ostoja`, if they begin with a verb.
fn read(text: &str) -> Option<Shown> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    let is_verb = |word: &str| !word.is_empty() && !word.starts_with('-') && word.bytes().all(is_letter);
    // What follows two spaces explains; what follows `--` or a comment sign is not ours.
    let text = text.split("  ").next().unwrap_or(text);
    let words = text.split_whitespace().take_while(|word| *word != "--" && !word.starts_with('#'));
    let words: Vec<&str> = words.collect();
    let first = words.first().filter(|word| is_verb(word))?;
    let mut verb = vec![(*first).to_owned()];
    let is_nested =
        NESTED.contains(first) || words.get(1).is_some_and(|second| HALF_NESTED.contains(&(*first, *second)));
    if is_nested {
        verb.extend(words.get(1).filter(|word| is_verb(word)).map(|word| (*word).to_owned()));
    }
    let options = words.iter().filter(|word| word.starts_with('-')).map(|word| (*word).to_owned()).collect();
    Some(Shown { verb, options })
}

#[cfg(test)]
mod tests;
