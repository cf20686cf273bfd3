//! JSON into a located tree.
//!
//! `serde_json` tells no positions of values, but a raw value is a slice of the source: where the slice starts is the
//! place. Each level reads its children's extents again, so the work is the length times the depth, both bounded.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{ENTRIES_MAX, Key, Kind, Node, Position};

/// 64 levels: bounds the stack and, because each level is read again, the time.
const DEPTH_MAX: usize = 64;

type Failure = (Position, String);

pub(super) fn read(file: &str, text: &str) -> Result<Node, Failure> {
    let root: &RawValue = serde_json::from_str(text).map_err(|error| {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
        let at = Position { line: narrow(error.line()), column: narrow(error.column()) };
        (at, without_position(&error))
    })?;
    let source = Source { file: Arc::from(file), text, starts: line_starts(text) };
    source.node(root.get(), 0)
}

fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

struct Source<'t> {
    file: Arc<str>,
    text: &'t str,
    /// The byte at which each line starts.
    starts: Vec<usize>,
}

fn line_starts(text: &str) -> Vec<usize> {
    let after_breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
    std::iter::once(0).chain(after_breaks).collect()
}

impl<'t> Source<'t> {
    fn node(&self, json: &'t str, depth: usize) -> Result<Node, Failure> {
        let at = self.position(json);
        if depth >= DEPTH_MAX {
            return Err((at, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let kind = match json.as_bytes().first() {
            Some(b'{') => Kind::Map(self.entries(json, depth)?),
            Some(b'[') => {
                let items: Vec<&RawValue> = self.parse(json)?;
                let items = items.into_iter().map(|item| self.node(item.get(), depth + 1));
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Kind::Text(self.parse(json)?),
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'n') => Kind::Null,
            _ => Kind::Number(self.parse(json)?, json.to_owned()),
        };
        Ok(Node { file: self.file.clone(), at, span: None, kind })
    }

    fn entries(&self, json: &'t str, depth: usize) -> Result<Vec<(Key, Node)>, Failure> {
        let pairs: Pairs<'t> = self.parse(json)?;
        if pairs.0.len() > ENTRIES_MAX {
            return Err((self.position(json), format!("a map holds more than {ENTRIES_MAX} entries")));
        }
        let mut entries: Vec<(Key, Node)> = Vec::with_capacity(pairs.0.len());
        for (raw_key, value) in pairs.0 {
            let key = Key { text: self.parse(raw_key.get())?, at: self.position(raw_key.get()) };
            entries.push((key, self.node(value.get(), depth + 1)?));
        }
        Ok(last_of_each(entries))
    }

    fn parse<T: Deserialize<'t>>(&self, json: &'t str) -> Result<T, Failure> {
        serde_json::from_str(json).map_err(|error| (self.position(json), without_position(&error)))
    }

    fn position(&self, part: &str) -> Position {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position { line: narrow(line), column: narrow(column) }
    }
}

/// Sorting keeps this fast for a map of many thousand keys.
fn last_of_each(entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|a, b| entries[*a].0.text.cmp(&entries[*b].0.text).then(a.cmp(b)));
    let superseded: std::collections::BTreeSet<usize> = order
        .windows(2)
        .filter(|pair| entries[pair[0]].0.text == entries[pair[1]].0.text)
        .map(|pair| pair[0])
        .collect();
    let kept = entries.into_iter().enumerate().filter(|(at, _)| !superseded.contains(at));
    kept.map(|(_, entry)| entry).collect()
}

struct Pairs<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
