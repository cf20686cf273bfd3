//! What the journal's codes mean, as sentences for people: one table, English and Polish side by side.
//!
//! `{module}` is the module's name, any other `{name}` the fact of that name; facts that end in `_ms` read as
//! durations. A code that is not in the table reads as its code and facts, so that a newer journal is never mute.

use std::fmt::Write as _;

use protocol::operator::JournalRow;
use serde_json::Value;

mod table;

#[cfg(test)]
mod tests;

/// The languages that operators are spoken to in. Codes, logs and errors are always English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    English,
    /// Polish.
    Polish,
}

/// What one code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meaning {
    code: &'static str,
    english: &'static str,
    polish: &'static str,
    /// A command that helps, or undoes it; empty when there is none.
    remedy: &'static str,
}

/// A decision as a sentence without full stop: `restarts after 1.1 s (attempt 1 of 5)`.
pub fn sentence(lang: Lang, row: &JournalRow) -> String {
    match table::MEANINGS.iter().find(|meaning| meaning.code == row.code) {
        Some(meaning) => match lang {
            Lang::English => fill(meaning.english, row),
            Lang::Polish => fill(meaning.polish, row),
        },
        None => plain(row),
    }
}

/// The command that helps with a decision, or undoes it, if one does.
pub fn remedy(row: &JournalRow) -> Option<String> {
    let meaning = table::MEANINGS.iter().find(|meaning| meaning.code == row.code)?;
    (!meaning.remedy.is_empty()).then(|| fill(meaning.remedy, row))
}

/// All codes that have a sentence, in the table's order: for the reference page.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    table::MEANINGS.iter().map(|meaning| (meaning.code, meaning.english, meaning.polish))
}

/// A span of milliseconds as people say it: `40 ms`, `1.5 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`.
pub fn duration(span_ms: u64) -> String {
    let span_s = span_ms / 1000;
    match span_s {
        0 => format!("{span_ms} ms"),
        1..60 => format!("{}.{} s", span_s, span_ms % 1000 / 100),
        60..3600 => format!("{} min {} s", span_s / 60, span_s % 60),
        3600..86_400 => format!("{} h {} min", span_s / 3600, span_s % 3600 / 60),
        _ => format!("{} d {} h", span_s / 86_400, span_s % 86_400 / 3600),
    }
}

fn fill(template: &str, row: &JournalRow) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        text.push_str(&value(name, row));
        rest = behind;
    }
    text.push_str(rest);
    text
}

fn value(name: &str, row: &JournalRow) -> String {
    if name == "module" {
        return row.module_id.clone().unwrap_or_default();
    }
    match row.facts.get(name) {
        Some(Value::Number(number)) => match number.as_u64() {
            Some(span_ms) if name.ends_with("_ms") => duration(span_ms),
            _ => number.to_string(),
        },
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::from("?"),
    }
}

fn plain(row: &JournalRow) -> String {
    let mut text = row.code.clone();
    for name in row.facts.keys() {
        // Writing into a String can't fail.
        let _written = write!(text, " {name}={}", value(name, row));
    }
    text
}
