//! The kernel's sentences as JSON, for the dashboard: read out of the table in the sources, so that a page in a browser
//! says the same about a decision as the command line does, and building either needs nothing of the other.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};

/// Where the table stands.
pub(super) const TABLE: &str = "crates/host/src/words/table.rs";

/// Code, English, Polish, remedy: what one entry holds.
const FIELDS: usize = 4;

/// The whole file: an object with one line for each code, in the table's order.
///
/// # Errors
/// When the table has no entries, one of them is not four texts, or a code stands twice.
pub(super) fn json(source: &str) -> Result<String> {
    let mut seen = Map::new();
    let mut lines = Vec::new();
    for (_, rest) in source.match_indices("says(").map(|(at, found)| (at, &source[at + found.len()..])) {
        // The function of that name is declared in the same file.
        if !rest.trim_start().starts_with('"') {
            continue;
        }
        let texts = texts(rest).with_context(|| format!("{TABLE}: entry {}", lines.len() + 1))?;
        let [code, english, polish, remedy] = &texts;
        let meaning = json!({ "en": english, "pl": polish, "remedy": remedy });
        ensure!(seen.insert(code.clone(), Value::Null).is_none(), "{TABLE}: `{code}` stands twice");
        lines.push(format!("{}: {meaning}", Value::from(code.as_str())));
    }
    ensure!(!lines.is_empty(), "{TABLE}: no entries found");
    Ok(format!("{{\n{}\n}}\n", lines.join(",\n")))
}

/// The first texts of an argument list.
fn texts(list: &str) -> Result<[String; FIELDS]> {
    let mut texts: [String; FIELDS] = Default::default();
    let mut rest = list;
    for text in &mut texts {
        rest = rest.trim_start().trim_start_matches(',').trim_start();
        let body = rest.strip_prefix('"').context("a text is expected")?;
        let end = end_of(body).context("a text does not end")?;
        // Escapes of the table are those that JSON has too.
        *text = serde_json::from_str(&format!("\"{}\"", &body[..end]))
            .with_context(|| format!("an escape that JSON does not know, in `{}`", &body[..end]))?;
        rest = &body[end + 1..];
    }
    Ok(texts)
}

/// Where the quote stands that ends a text.
fn end_of(body: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, letter) in body.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
