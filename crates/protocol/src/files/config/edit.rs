//! Changes one value in the text of a configuration file and leaves the rest, comments included, as a person wrote it.
//!
//! The change is made in the text where that is easy to get right, then read back: only if the result means exactly
//! what was asked for is it taken. Otherwise the file is written anew from its values, which costs its comments but
//! never its meaning.

use std::ops::Range;

use abi::Explain;
use serde_json::{Map, Value};

use super::{FileErrors, Layer, PathError, Removed, path};
use crate::files::node::{Key, Node, without_mark};

/// Why a file could not be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file as it is can't be read.
    #[error("the file can't be changed while it is malformed")]
    Malformed(#[source] FileErrors),
    /// The path can't be used.
    #[error("the key can't be used")]
    Path(#[source] PathError),
    /// The new value can't be written as YAML.
    #[error("the value can't be written as YAML")]
    Unwritable,
}

impl Explain for EditError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(errors) => errors.code(),
            Self::Path(error) => error.code(),
            Self::Unwritable => "files::config::unwritable",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Malformed(errors) => errors.help(),
            Self::Path(error) => error.help(),
            Self::Unwritable => None,
        }
    }
}

/// The text of a file with the value at `path` put to `value`; `file` is its name in errors.
///
/// # Errors
/// The file is malformed, the path unusable, or the value no YAML.
pub fn set_in_text(file: &str, text: &str, path: &str, value: &Value) -> Result<String, EditError> {
    let text = without_mark(text);
    let layer = Layer::parse(file, text).map_err(EditError::Malformed)?;
    let mut wanted = values_of(&layer);
    path::set(&mut wanted, path, value.clone()).map_err(EditError::Path)?;
    let segments = path::segments(path).map_err(EditError::Path)?;
    let edits = [
        replaced(&layer, text, &segments, value),
        rewritten(&layer, text, &segments, value),
        inserted(&layer, text, &segments, value),
    ];
    let parents = rewritten_parents(&layer, text, &segments, &wanted);
    finish(file, edits.into_iter().flatten().chain(parents), &wanted)
}

/// The text of a file with the value at `path` taken away; `None` if there is none.
///
/// # Errors
/// As [`set_in_text`].
pub fn unset_in_text(file: &str, text: &str, path: &str) -> Result<Option<String>, EditError> {
    let text = without_mark(text);
    let layer = Layer::parse(file, text).map_err(EditError::Malformed)?;
    let mut wanted = values_of(&layer);
    match path::unset(&mut wanted, path).map_err(EditError::Path)? {
        Removed::Absent => return Ok(None),
        Removed::Yes => {}
    }
    let segments = path::segments(path).map_err(EditError::Path)?;
    let parents = rewritten_parents(&layer, text, &segments, &wanted);
    finish(file, removed(&layer, text, &segments).into_iter().chain(parents), &wanted).map(Some)
}

/// Takes the first edit that means what is wanted, else writes the values anew.
fn finish(
    file: &str,
    edits: impl IntoIterator<Item = String>,
    wanted: &Map<String, Value>,
) -> Result<String, EditError> {
    let means = |text: &String| Layer::parse(file, text).is_ok_and(|layer| values_of(&layer) == *wanted);
    if let Some(text) = edits.into_iter().find(means) {
        return Ok(text);
    }
    let text = serde_saphyr::to_string(wanted).map_err(|_| EditError::Unwritable)?;
    if means(&text) { Ok(text) } else { Err(EditError::Unwritable) }
}

/// The entry's parents written anew, the nearest first: for entries that have no lines of their own, and for maps that
/// are left empty. Only the comments inside are lost.
fn rewritten_parents<'e>(
    layer: &'e Layer,
    text: &'e str,
    segments: &'e [&'e str],
    wanted: &'e Map<String, Value>,
) -> impl Iterator<Item = String> + 'e {
    (1..segments.len()).rev().filter_map(move |depth| {
        let parent = &segments[..depth];
        rewritten(layer, text, parent, path::get(wanted, &parent.join("."))?)
    })
}

fn values_of(layer: &Layer) -> Map<String, Value> {
    match layer.root().to_value() {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}

/// Writes over a scalar that stands on one line. JSON on one line is YAML too.
fn replaced(layer: &Layer, text: &str, segments: &[&str], value: &Value) -> Option<String> {
    let node = segments.iter().try_fold(layer.root(), |node, segment| node.entry(segment))?;
    let (start, end) = node.span?;
    let old = text.get(start..end)?;
    let kept = old.len() - old.trim_end().len();
    Some([text.get(..start)?, &scalar(value), text.get(end - kept..)?].concat())
}

/// Writes an entry anew in the place of its lines.
fn rewritten(layer: &Layer, text: &str, segments: &[&str], value: &Value) -> Option<String> {
    let key = key_at(layer, segments)?;
    let lines = entry_lines(text, key)?;
    let entry = nested(indent_of(key)?, &[&key.text], value);
    Some([&text[..lines.start], &entry, &text[lines.end..]].concat())
}

/// Adds lines at the end of the deepest map that is there; the rest of the path becomes nested lines.
fn inserted(layer: &Layer, text: &str, segments: &[&str], value: &Value) -> Option<String> {
    let mut map = layer.root();
    let mut depth = 0;
    while let Some(next) = map.entry(segments[depth]).filter(|next| !next.entries().is_empty()) {
        map = next;
        depth += 1;
        if depth == segments.len() {
            return None;
        }
    }
    if map.entry(segments[depth]).is_some() {
        return rewritten_below(layer, text, segments, depth, value);
    }
    let (end, indent) = match map.entries().last() {
        Some((last, _)) if depth > 0 => (entry_lines(text, last)?.end, indent_of(last)?),
        _ => (text.len(), 0),
    };
    let break_first = if end == 0 || text[..end].ends_with('\n') { "" } else { "\n" };
    let lines = nested(indent, &segments[depth..], value);
    Some([&text[..end], break_first, &lines, &text[end..]].concat())
}

/// Writes an entry that is there and empty anew, with the rest of the path below it.
fn rewritten_below(
    layer: &Layer,
    text: &str,
    segments: &[&str],
    depth: usize,
    value: &Value,
) -> Option<String> {
    let key = key_at(layer, &segments[..=depth])?;
    let lines = entry_lines(text, key)?;
    let entry = nested(indent_of(key)?, &segments[depth..], value);
    Some([&text[..lines.start], &entry, &text[lines.end..]].concat())
}

/// Takes out the lines of an entry.
fn removed(layer: &Layer, text: &str, segments: &[&str]) -> Option<String> {
    let lines = entry_lines(text, key_at(layer, segments)?)?;
    Some([&text[..lines.start], &text[lines.end..]].concat())
}

/// A value on one line: plain words plainly, everything else as JSON.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        _ => value.to_string(),
    }
}

/// A text that YAML reads as itself whatever the version: letters first, no word with a meaning.
fn is_plain(text: &str) -> bool {
    let letters = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let safe = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    let meaning = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    letters && safe && !meaning.contains(&text.to_lowercase().as_str())
}

fn nested(indent: usize, segments: &[&str], value: &Value) -> String {
    let mut lines = String::new();
    for (depth, segment) in segments.iter().enumerate() {
        lines.push_str(&" ".repeat(indent + 2 * depth));
        lines.push_str(&scalar(&Value::from(*segment)));
        lines.push(':');
        if depth + 1 == segments.len() {
            lines.push(' ');
            lines.push_str(&scalar(value));
        }
        lines.push('\n');
    }
    lines
}

fn key_at<'l>(layer: &'l Layer, segments: &[&str]) -> Option<&'l Key> {
    let (last, way) = segments.split_last()?;
    let map: &Node = way.iter().try_fold(layer.root(), |node, segment| node.entry(segment))?;
    map.entries().iter().find(|(key, _)| key.text == *last).map(|(key, _)| key)
}

fn indent_of(key: &Key) -> Option<usize> {
    usize::try_from(key.at.column).ok()?.checked_sub(1)
}

/// The bytes of an entry's lines: its own, and those right below it that are indented further. `None` when something
/// other than spaces stands before its key.
fn entry_lines(text: &str, key: &Key) -> Option<Range<usize>> {
    let line = usize::try_from(key.at.line).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let indent = indent_of(key)?;
    if !text.get(start..start + indent)?.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let mut end = start;
    for (at, line) in text[start..].split_inclusive('\n').enumerate() {
        let deeper = line.len() - line.trim_start_matches(' ').len() > indent;
        if at > 0 && (!deeper || line.trim().is_empty()) {
            break;
        }
        end += line.len();
    }
    Some(start..end)
}
