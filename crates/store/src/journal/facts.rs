//! Facts as JSON text and back: one object, its members in the order in which they were told.
//!
//! The text is what the hash covers, so it is written in one way only: no white space, names and values as given.
//! A name may come twice; both are kept, which is why no map is used on the way.

use std::fmt;

use abi::{Fact, Record};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// 64 facts in one record: more than any decision has reasons; further ones are left out and counted.
const FACTS_MAX: usize = 64;

/// 4 KiB for one text: an error with its whole chain fits, a payload that strayed in does not.
const TEXT_BYTES_MAX: usize = 4096;

/// Stands for what was cut off the end of a text.
const CUT: char = '…';

/// The name under which facts that did not fit are counted.
const LEFT_OUT: &str = "facts_left_out";

struct Told<'a>(&'a [(&'static str, Fact)]);

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, fact) in self.0.iter().take(FACTS_MAX) {
            match fact {
                Fact::Number(value) => map.serialize_entry(name, value)?,
                Fact::Text(text) if text.len() <= TEXT_BYTES_MAX => map.serialize_entry(name, text)?,
                Fact::Text(text) => map.serialize_entry(name, &shortened(text))?,
            }
        }
        let left_out = self.0.len().saturating_sub(FACTS_MAX);
        if left_out > 0 {
            map.serialize_entry(LEFT_OUT, &left_out)?;
        }
        map.end()
    }
}

fn shortened(text: &str) -> String {
    let mut end = TEXT_BYTES_MAX - CUT.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut short = text[..end].to_owned();
    short.push(CUT);
    short
}

/// Cuts what the journal would cut anyway, so that a record that waits takes no more room than it will be written with.
pub(crate) fn trim(record: &mut Record) {
    for (_, fact) in &mut record.facts {
        if let Fact::Text(text) = fact
            && text.len() > TEXT_BYTES_MAX
        {
            *text = shortened(text);
        }
    }
}

/// The canonical text of facts, in their order; texts and numbers of facts past the limits are cut.
pub(super) fn to_text(facts: &[(&'static str, Fact)]) -> String {
    // Serialising strings and integers into memory has no step that can fail; were there one, the record itself
    // would matter more than its facts.
    serde_json::to_string(&Told(facts)).unwrap_or_else(|_| "{}".to_owned())
}

struct Read(Vec<(String, Fact)>);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FactsVisitor)
    }
}

struct FactsVisitor;

impl<'de> Visitor<'de> for FactsVisitor {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts and numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut facts = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            let fact = match value {
                serde_json::Value::String(text) => Fact::Text(text),
                serde_json::Value::Number(number) => {
                    Fact::Number(number.as_u64().ok_or_else(|| A::Error::custom("not a whole number"))?)
                }
                _ => return Err(A::Error::custom("neither a text nor a number")),
            };
            facts.push((name, fact));
        }
        Ok(Read(facts))
    }
}

/// The facts in a stored text; nothing when it is not what `to_text` writes.
pub(super) fn from_text(text: &str) -> Option<Vec<(String, Fact)>> {
    serde_json::from_str::<Read>(text).ok().map(|read| read.0)
}

#[cfg(test)]
mod tests;
