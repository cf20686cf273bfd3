//! A located tree: the one shape that YAML and JSON are read into before anything is understood.
//!
//! The parsers' own typed errors know a line at best; with a tree, whoever reads a field can point at the exact place
//! and repeat the literal as it was typed. It is public for the importers, which read other programs' files by it.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Number, Value};

use super::fault::{Area, Fault, FileError, FileErrors, Position, quoted};

mod json;
mod yaml;

#[cfg(test)]
mod tests;

/// 4,096 entries of one map: as many modules as a kernel holds. Looking a key up may therefore go through all of them.
const ENTRIES_MAX: usize = abi::limits::MODULES_MAX;

/// One value and where it stands.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// The file, as the caller names it.
    pub file: Arc<str>,
    /// Where it begins.
    pub at: Position,
    /// Where its text lies in the file, in bytes; `None` for what spans lines or has no text of its own.
    pub(super) span: Option<(usize, usize)>,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, PartialEq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// The number and how it was typed: `1.10` and `0755` are not always meant as numbers.
    Number(Number, String),
    /// A text.
    Text(String),
    /// Values in their order.
    List(Vec<Node>),
    /// Keys with their values, in their order.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Clone, PartialEq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it begins.
    pub at: Position,
}

impl fmt::Debug for Node {
    /// Place and kind only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}:{}, {})", self.file, self.at, self.kind.word())
    }
}

impl fmt::Debug for Kind {
    /// What it is only, for the same reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", quoted(&self.text), self.at)
    }
}

impl Kind {
    /// What it is, with its article.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Bool(_) => "a truth value",
            Self::Number(..) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    /// An empty map at the top of a file.
    pub(super) fn empty_map(file: &str) -> Self {
        Self { file: Arc::from(file), at: Position::START, span: None, kind: Kind::Map(Vec::new()) }
    }

    /// The value without its place.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Number(number, _) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Kind::Map(entries) => Value::Object(to_map(entries)),
        }
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry with this key.
    pub fn entry(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(found, _)| found.text == key).map(|(_, node)| node)
    }

    /// What an error shows of it: a scalar's literal in backticks, else what it is.
    pub fn shown(&self) -> String {
        match &self.kind {
            Kind::Bool(flag) => quoted(if *flag { "true" } else { "false" }),
            Kind::Number(_, literal) => quoted(literal),
            Kind::Text(text) if text.is_empty() => "an empty text".to_owned(),
            Kind::Text(text) => quoted(text),
            Kind::Null | Kind::List(_) | Kind::Map(_) => self.kind.word().to_owned(),
        }
    }

    /// The text of a scalar as it was typed; `None` for lists, maps and nothing.
    pub fn literal(&self) -> Option<&str> {
        match &self.kind {
            Kind::Bool(true) => Some("true"),
            Kind::Bool(false) => Some("false"),
            Kind::Number(_, literal) => Some(literal),
            Kind::Text(text) => Some(text),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }
}

fn to_map(entries: &[(Key, Node)]) -> Map<String, Value> {
    entries.iter().map(|(key, node)| (key.text.clone(), node.to_value())).collect()
}

/// Reads YAML. An empty file is an empty map.
///
/// # Errors
/// Where the text is no YAML, or more of it than is read.
pub fn from_yaml(area: Area, file: &str, text: &str) -> Result<Node, FileErrors> {
    check_size(area, file, text)?;
    yaml::read(file, without_mark(text)).map_err(|(at, message)| syntax(area, file, at, message))
}

/// Reads JSON. Of a key that comes twice, the last counts.
///
/// # Errors
/// Where the text is no JSON, or more of it than is read.
pub fn from_json(area: Area, file: &str, text: &str) -> Result<Node, FileErrors> {
    check_size(area, file, text)?;
    json::read(file, without_mark(text)).map_err(|(at, message)| syntax(area, file, at, message))
}

/// Some editors write a byte order mark; it means nothing.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn check_size(area: Area, file: &str, text: &str) -> Result<(), FileErrors> {
    if text.len() <= super::FILE_BYTES_MAX {
        return Ok(());
    }
    let fault = Fault::TooLarge { bytes: text.len() };
    Err(FileError { file: file.to_owned(), at: Position::START, area, fault }.into())
}

/// 200 characters: a parser's message may repeat a piece of the file, and a file may have long pieces.
const MESSAGE_CHARS_MAX: usize = 200;

fn syntax(area: Area, file: &str, at: Position, message: String) -> FileErrors {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let message = message.chars().take(MESSAGE_CHARS_MAX).map(shown).collect();
    FileError { file: file.to_owned(), at, area, fault: Fault::Syntax(message) }.into()
}
