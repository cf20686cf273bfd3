//! The module door's messages as types for the SDKs of other languages, written from the same JSON Schema that is
//! checked in: `sdk/typescript/door.d.mts` and `sdk/go/door.go`; and as a page for people. Whoever adds a field in Rust
//! finds it there too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

mod go;
mod page;
mod typescript;

pub(super) use go::go;
pub(super) use page::page;
pub(super) use typescript::typescript;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Text,
    /// A whole number, with the schema's own name of its width.
    Whole(String),
    Number,
    /// Any JSON value.
    Any,
    List(Box<Kind>),
    /// Another type of this page.
    Named(String),
}

/// Whether a field has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: String,
    kind: Kind,
    presence: Presence,
    about: String,
}

/// One message, or one object within messages.
#[derive(Debug)]
struct Object {
    /// The value of `type` for a message, the name otherwise.
    name: String,
    about: String,
    fields: Vec<Field>,
}

/// A type that is one of a few words.
#[derive(Debug)]
struct Words {
    name: String,
    about: String,
    words: Vec<(String, String)>,
}

/// All that the door says.
#[derive(Debug)]
struct Door {
    to_module: Vec<Object>,
    from_module: Vec<Object>,
    objects: Vec<Object>,
    words: Vec<Words>,
}

impl Door {
    /// Reads the schema; what this page does not know is an error, so that nothing is left out unseen.
    fn read(schema: &Value) -> Result<Self> {
        let (mut objects, mut words) = (Vec::new(), Vec::new());
        let mut messages = BTreeMap::new();
        for (name, def) in schema["$defs"].as_object().context("the schema has definitions")? {
            let variants = def["oneOf"].as_array().map_or(&[] as &[Value], Vec::as_slice);
            if variants.iter().any(|variant| variant["type"] == "object") {
                messages.insert(name.clone(), variants.iter().map(message).collect::<Result<Vec<_>>>()?);
            } else if !variants.is_empty() {
                let variants = variants.iter().map(|variant| Ok((text(variant, "const")?, about(variant))));
                words.push(Words {
                    name: name.clone(),
                    about: about(def),
                    words: variants.collect::<Result<_>>()?,
                });
            } else if def["type"] == "object" {
                objects.push(Object { name: name.clone(), about: about(def), fields: fields(def)? });
            } else {
                ensure!(name == "Opaque", "`{name}` is neither a message, nor an object, nor words");
            }
        }
        let mut take = |name: &str| messages.remove(name).with_context(|| format!("no `{name}`"));
        Ok(Self { to_module: take("ToModule")?, from_module: take("FromModule")?, objects, words })
    }
}

fn message(variant: &Value) -> Result<Object> {
    let name = text(&variant["properties"]["type"], "const")?;
    let fields = fields(variant).with_context(|| name.clone())?;
    Ok(Object {
        name,
        about: about(variant),
        fields: fields.into_iter().filter(|field| field.name != "type").collect(),
    })
}

fn fields(object: &Value) -> Result<Vec<Field>> {
    let required = object["required"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let properties = object["properties"].as_object().context("an object has properties")?;
    let field = |(name, property): (&String, &Value)| {
        let is_required = required.iter().any(|one| one == name.as_str()) && !is_nullable(property);
        Ok(Field {
            name: name.clone(),
            kind: kind(property).with_context(|| name.clone())?,
            presence: if is_required { Presence::Required } else { Presence::Optional },
            about: about(property),
        })
    };
    properties.iter().map(field).collect()
}

fn is_nullable(property: &Value) -> bool {
    let has_null = |list: &Value| {
        list.as_array().is_some_and(|all| all.iter().any(|one| one == "null" || one["type"] == "null"))
    };
    has_null(&property["type"]) || has_null(&property["anyOf"])
}

fn kind(property: &Value) -> Result<Kind> {
    if let Some(all) = property["anyOf"].as_array() {
        return kind(all.iter().find(|one| one["type"] != "null").context("something beside null")?);
    }
    if let Some(target) = property["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap_or(target);
        return Ok(if name == "Opaque" { Kind::Any } else { Kind::Named(name.to_owned()) });
    }
    let word = match &property["type"] {
        Value::Array(words) => words.iter().find(|word| *word != "null").and_then(Value::as_str),
        word => word.as_str(),
    };
    Ok(match word {
        Some("string") => Kind::Text,
        Some("integer") => Kind::Whole(text(property, "format")?),
        Some("number") => Kind::Number,
        Some("array") => Kind::List(Box::new(kind(&property["items"])?)),
        other => bail!("no type of the SDKs for {other:?}"),
    })
}

fn text(value: &Value, key: &str) -> Result<String> {
    value[key].as_str().map(str::to_owned).with_context(|| format!("`{key}` is a text"))
}

/// The first paragraph of a description, in one line.
fn about(value: &Value) -> String {
    let description = value["description"].as_str().unwrap_or_default();
    description.split("\n\n").next().unwrap_or_default().replace('\n', " ")
}

/// Adds a line; writing to a text can't fail.
fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _written = text.write_fmt(line);
    text.push('\n');
}

#[cfg(test)]
mod tests;
