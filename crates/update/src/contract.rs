//! Contracts: what a service takes and gives, method by method, as JSON Schemas, and whether a new version still keeps
//! what the old one promised.
//!
//! A caller is safe when the new version takes every value that the old one took, and gives only values that the old
//! one could have given. Whether one schema takes all that another one takes can't be decided for every schema; what is
//! not understood is said to be so, never passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// 32 schemas within each other: deeper ones are not compared.
const DEPTH_MAX: u32 = 32;

/// 100 findings: who breaks more than that is told enough.
const FINDINGS_MAX: usize = 100;

/// Keywords that say nothing about which values are taken.
const REMARKS: [&str; 11] = [
    "title",
    "description",
    "default",
    "examples",
    "$schema",
    "$id",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$defs",
];

/// The types of JSON, without `integer`, which is a `number`.
const TYPES: [&str; 6] = ["array", "boolean", "null", "number", "object", "string"];

/// What one method takes and gives.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The schema of what it takes; any value unless it is said.
    #[serde(default = "anything")]
    pub params: Value,
    /// The schema of what it gives; any value unless it is said.
    #[serde(default = "anything")]
    pub result: Value,
}

fn anything() -> Value {
    Value::Bool(true)
}

/// The methods of a service, by name.
pub type Contract = BTreeMap<String, Method>;

/// What of a promise is no longer kept, or may not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// A method is gone.
    Lost {
        /// Which one.
        method: String,
    },
    /// A method takes less than before.
    TakesLess {
        /// Which one.
        method: String,
        /// Where in what it takes, such as `/to`; empty for the whole.
        at: String,
        /// What it no longer takes.
        what: String,
    },
    /// A method gives what it never gave before.
    GivesMore {
        /// Which one.
        method: String,
        /// Where in what it gives.
        at: String,
        /// What is new.
        what: String,
    },
    /// The schemas say what is not understood here.
    Unclear {
        /// Which method.
        method: String,
        /// Where.
        at: String,
        /// Which keyword.
        keyword: String,
    },
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |at: &str| if at.is_empty() { String::new() } else { format!(" at `{at}`") };
        match self {
            Self::Lost { method } => write!(f, "method `{method}` is gone"),
            Self::TakesLess { method, at, what } => {
                write!(f, "method `{method}` takes less{}: {what}", place(at))
            }
            Self::GivesMore { method, at, what } => {
                write!(f, "method `{method}` gives more{}: {what}", place(at))
            }
            Self::Unclear { method, at, keyword } => {
                write!(f, "method `{method}` can't be compared{}: `{keyword}`", place(at))
            }
        }
    }
}

/// What callers of the old contract can't rely on any more; nothing means that all is kept.
pub fn breaches(old: &Contract, new: &Contract) -> Vec<Breach> {
    let mut found = Vec::new();
    for (name, before) in old {
        let Some(now) = new.get(name) else {
            found.push(Breach::Lost { method: name.clone() });
            continue;
        };
        let method = name.clone();
        for finding in covers(&now.params, &before.params) {
            found.push(match finding.unclear {
                Some(keyword) => Breach::Unclear { method: method.clone(), at: finding.at, keyword },
                None => Breach::TakesLess { method: method.clone(), at: finding.at, what: finding.what },
            });
        }
        for finding in covers(&before.result, &now.result) {
            found.push(match finding.unclear {
                Some(keyword) => Breach::Unclear { method: method.clone(), at: finding.at, keyword },
                None => Breach::GivesMore { method: method.clone(), at: finding.at, what: finding.what },
            });
        }
        found.truncate(FINDINGS_MAX);
    }
    found
}

/// A place where the wide schema does not take what the narrow one takes, or where nobody can tell.
struct Finding {
    at: String,
    what: String,
    unclear: Option<String>,
}

/// Where `wide` does not take every value that `narrow` takes.
fn covers(wide: &Value, narrow: &Value) -> Vec<Finding> {
    let mut comparison = Comparison::default();
    comparison.compare(wide, narrow, "", 0);
    comparison.findings
}

#[derive(Default)]
struct Comparison {
    findings: Vec<Finding>,
}

impl Comparison {
    fn says(&mut self, at: &str, what: String) {
        self.push(Finding { at: at.to_owned(), what, unclear: None });
    }

    fn unclear(&mut self, at: &str, keyword: &str) {
        self.push(Finding { at: at.to_owned(), what: String::new(), unclear: Some(keyword.to_owned()) });
    }

    fn push(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    fn compare(&mut self, wide: &Value, narrow: &Value, at: &str, depth: u32) {
        if wide == narrow || *wide == Value::Bool(true) || *narrow == Value::Bool(false) {
            return;
        }
        if depth == DEPTH_MAX {
            return self.unclear(at, "depth");
        }
        let nothing = Map::new();
        let narrow = match narrow {
            Value::Object(narrow) => narrow,
            Value::Bool(true) => &nothing,
            _ => return self.unclear(at, "schema"),
        };
        match wide {
            Value::Object(wide) => self.objects(wide, narrow, at, depth),
            Value::Bool(false) => self.says(at, "nothing at all is taken".to_owned()),
            _ => self.unclear(at, "schema"),
        }
    }

    /// Each thing that the wide schema asks for has to follow from the narrow one.
    fn objects(&mut self, wide: &Map<String, Value>, narrow: &Map<String, Value>, at: &str, depth: u32) {
        // Each alternative of the narrow schema stands for itself.
        if let Some(Value::Array(branches)) = narrow.get("anyOf")
            && narrow.keys().all(|key| key == "anyOf" || REMARKS.contains(&key.as_str()))
        {
            for branch in branches {
                self.compare(&Value::Object(wide.clone()), branch, at, depth + 1);
            }
            return;
        }
        let types = types_of(narrow);
        let is_number = types.contains("integer") || types.contains("number");
        for (keyword, asked) in wide {
            let said = narrow.get(keyword);
            match keyword.as_str() {
                remark if REMARKS.contains(&remark) => {}
                "type" => self.types(wide, &types, at),
                "enum" | "const" => self.values(wide, narrow, at),
                "required" if types.contains("object") => self.required(asked, said, at),
                "properties" if types.contains("object") => self.properties(wide, narrow, at, depth),
                "additionalProperties" if types.contains("object") => self.others(wide, narrow, at, depth),
                "items" if types.contains("array") => {
                    let said = said.unwrap_or(&Value::Bool(true));
                    self.compare(asked, said, &format!("{at}/*"), depth + 1);
                }
                "minimum" | "exclusiveMinimum" if is_number => {
                    self.bound(keyword, asked, said, at, |said, asked| said >= asked);
                }
                "maximum" | "exclusiveMaximum" if is_number => {
                    self.bound(keyword, asked, said, at, |said, asked| said <= asked);
                }
                "minLength" if types.contains("string") => {
                    self.bound(keyword, asked, said, at, |said, asked| said >= asked);
                }
                "maxLength" if types.contains("string") => {
                    self.bound(keyword, asked, said, at, |said, asked| said <= asked);
                }
                "minItems" if types.contains("array") => {
                    self.bound(keyword, asked, said, at, |said, asked| said >= asked);
                }
                "maxItems" if types.contains("array") => {
                    self.bound(keyword, asked, said, at, |said, asked| said <= asked);
                }
                "anyOf" => self.any_of(asked, narrow, at, depth),
                known
                    if asks_of(known).is_some_and(|kind| !types.contains(kind))
                        && !(is_number && asks_of(known) == Some("number")) => {}
                _ if said == Some(asked) => {}
                _ => self.unclear(at, keyword),
            }
        }
    }

    fn types(&mut self, wide: &Map<String, Value>, narrow: &BTreeSet<&'static str>, at: &str) {
        let taken =
            types_of(&Map::from_iter(wide.get("type").map(|types| ("type".to_owned(), types.clone()))));
        for kind in narrow.difference(&taken) {
            // A whole number is a number: only the other way round is something lost.
            self.says(at, format!("no {kind}"));
        }
    }

    /// Values that are named one by one.
    fn values(&mut self, wide: &Map<String, Value>, narrow: &Map<String, Value>, at: &str) {
        let taken = named(wide).unwrap_or_default();
        match named(narrow) {
            None => self.says(at, "only values from a list".to_owned()),
            Some(values) => {
                for value in values.iter().filter(|value| !taken.contains(value)) {
                    self.says(at, format!("no {}", short(value)));
                }
            }
        }
    }

    fn required(&mut self, asked: &Value, said: Option<&Value>, at: &str) {
        let names = |value: Option<&Value>| -> BTreeSet<String> {
            let list = value.and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        for name in names(Some(asked)).difference(&names(said)) {
            self.says(at, format!("`{}` must be there", clean(name)));
        }
    }

    fn properties(&mut self, wide: &Map<String, Value>, narrow: &Map<String, Value>, at: &str, depth: u32) {
        let anything = Value::Bool(true);
        let others = narrow.get("additionalProperties").unwrap_or(&anything);
        let known = properties(narrow);
        for (name, asked) in properties(wide) {
            let said = known.iter().find(|(known, _)| *known == name).map_or(others, |(_, schema)| schema);
            self.compare(asked, said, &format!("{at}/{}", clean(name)), depth + 1);
        }
    }

    /// Properties that the wide schema does not name.
    fn others(&mut self, wide: &Map<String, Value>, narrow: &Map<String, Value>, at: &str, depth: u32) {
        let anything = Value::Bool(true);
        let asked = wide.get("additionalProperties").unwrap_or(&anything);
        let named: BTreeSet<&str> = properties(wide).into_iter().map(|(name, _)| name).collect();
        for (name, said) in properties(narrow) {
            if !named.contains(name) {
                self.compare(asked, said, &format!("{at}/{}", clean(name)), depth + 1);
            }
        }
        let said = narrow.get("additionalProperties").unwrap_or(&anything);
        if *asked == Value::Bool(false) && *said != Value::Bool(false) {
            self.says(at, "no other properties".to_owned());
        } else {
            self.compare(asked, said, &format!("{at}/*"), depth + 1);
        }
    }

    fn bound(
        &mut self,
        keyword: &str,
        asked: &Value,
        said: Option<&Value>,
        at: &str,
        holds: fn(f64, f64) -> bool,
    ) {
        let Some(asked) = asked.as_f64() else { return self.unclear(at, keyword) };
        if !said.and_then(Value::as_f64).is_some_and(|said| holds(said, asked)) {
            self.says(at, format!("{keyword} {asked}"));
        }
    }

    /// The wide schema has alternatives: one that takes all that the narrow one takes is enough.
    fn any_of(&mut self, asked: &Value, narrow: &Map<String, Value>, at: &str, depth: u32) {
        let Some(branches) = asked.as_array() else { return self.unclear(at, "anyOf") };
        let narrow = Value::Object(narrow.clone());
        let takes_all = branches.iter().any(|branch| {
            let mut alone = Self::default();
            alone.compare(branch, &narrow, at, depth + 1);
            alone.findings.is_empty()
        });
        if !takes_all {
            self.unclear(at, "anyOf");
        }
    }
}

/// The type that a keyword asks something of; others are not affected.
fn asks_of(keyword: &str) -> Option<&'static str> {
    match keyword {
        "required"
        | "properties"
        | "additionalProperties"
        | "patternProperties"
        | "minProperties"
        | "maxProperties"
        | "propertyNames" => Some("object"),
        "items" | "prefixItems" | "minItems" | "maxItems" | "uniqueItems" | "contains" => Some("array"),
        "minLength" | "maxLength" | "pattern" => Some("string"),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Some("number"),
        _ => None,
    }
}

/// The types that a schema takes. `number` stands for all numbers and `integer` for whole ones, which are also taken
/// where `number` is.
fn types_of(schema: &Map<String, Value>) -> BTreeSet<&'static str> {
    let word = |text: &str| TYPES.into_iter().chain(["integer"]).find(|kind| *kind == text);
    let mut types: BTreeSet<&'static str> = match schema.get("type") {
        Some(Value::String(one)) => word(one).into_iter().collect(),
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).filter_map(word).collect(),
        _ => match named(schema) {
            Some(values) => values.iter().map(type_of).collect(),
            None => TYPES.into_iter().collect(),
        },
    };
    if types.contains("number") {
        types.insert("integer");
    }
    types
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The values that a schema names one by one.
fn named(schema: &Map<String, Value>) -> Option<Vec<Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        _ => None,
    }
}

fn properties(schema: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let map = schema.get("properties").and_then(Value::as_object);
    map.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema)).collect()
}

/// A value, as far as a message shows it.
fn short(value: &Value) -> String {
    clean(&value.to_string())
}

fn clean(text: &str) -> String {
    text.chars().take(60).map(|char| if char.is_control() { '?' } else { char }).collect()
}

#[cfg(test)]
mod tests;
