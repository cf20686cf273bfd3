//! The door in Go: one struct for all that arrives, since a line is read once and switched over after, and one struct
//! per message that is sent, so that what must be there can't be left out.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Door, Field, Kind, Object, Presence, line};

/// `sdk/go/door.go`, as gofmt writes it.
///
/// # Errors
/// When the schema holds something that this page has no type for, or two messages use one name differently.
pub(in crate::schema) fn go(schema: &Value) -> Result<String> {
    let door = Door::read(schema)?;
    let mut text = String::from(
        "// Code generated from schema/module-door.json by `cargo xtask schema`. DO NOT EDIT.\n\npackage ostoja\n\nimport \"encoding/json\"\n",
    );
    for words in &door.words {
        line(&mut text, format_args!("\n// {}: {}", words.name, words.about));
        line(&mut text, format_args!("type {} string\n\nconst (", words.name));
        for (word, about) in &words.words {
            line(&mut text, format_args!("\t// {about}"));
            let constant = format!("{}{}", words.name, camel(word));
            line(&mut text, format_args!("\t{constant} {} = \"{word}\"", words.name));
        }
        text.push_str(")\n");
    }
    for object in &door.objects {
        declare(&mut text, &object.name, &object.about, &object.fields);
    }
    let about = "What the kernel says: which fields are set depends on Type.";
    declare(&mut text, "ToModule", about, &merged(&door.to_module)?);
    for message in &door.from_module {
        let name = format!("{}Frame", camel(&message.name));
        let about = format!("`{}`. {}", message.name, message.about);
        let kind = Field {
            name: "type".to_owned(),
            kind: Kind::Text,
            presence: Presence::Required,
            about: format!("Always \"{}\".", message.name),
        };
        let fields: Vec<Field> = std::iter::once(kind).chain(message.fields.iter().cloned()).collect();
        declare(&mut text, &name, &about, &fields);
    }
    Ok(text)
}

/// All fields of all messages.
fn merged(messages: &[Object]) -> Result<Vec<Field>> {
    let mut all: BTreeMap<&str, Field> = BTreeMap::new();
    for field in messages.iter().flat_map(|message| &message.fields) {
        let found = all.entry(&field.name).or_insert_with(|| field.clone());
        ensure!(found.kind == field.kind, "`{}` is not the same everywhere", field.name);
        if field.presence == Presence::Optional {
            found.presence = Presence::Optional;
        }
    }
    let kind = Field {
        name: "type".to_owned(),
        kind: Kind::Text,
        presence: Presence::Required,
        about: "Which message it is.".to_owned(),
    };
    Ok(std::iter::once(kind).chain(all.into_values()).collect())
}

fn declare(text: &mut String, name: &str, about: &str, fields: &[Field]) {
    line(text, format_args!("\n// {name}: {about}"));
    line(text, format_args!("type {name} struct {{"));
    for field in fields {
        let mark = if field.presence == Presence::Optional { ",omitempty" } else { "" };
        line(text, format_args!("\t// {}", field.about));
        let name = camel(&field.name);
        line(text, format_args!("\t{name} {} `json:\"{}{mark}\"`", name_of(field), field.name));
    }
    text.push_str("}\n");
}

/// What is optional is a pointer, so that it can be absent; a raw value and a list can be nil by themselves.
fn name_of(field: &Field) -> String {
    let plain = plain(&field.kind);
    match (field.presence, &field.kind) {
        (Presence::Required, _) | (_, Kind::Any | Kind::List(_)) => plain,
        (Presence::Optional, _) => format!("*{plain}"),
    }
}

fn plain(kind: &Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Whole(width) => width.clone(),
        Kind::Number => "float64".to_owned(),
        Kind::Any => "json.RawMessage".to_owned(),
        Kind::List(inner) => format!("[]{}", plain(inner)),
        Kind::Named(name) => name.clone(),
    }
}

/// `rpc_request` as `RpcRequest`; an id keeps Go's spelling.
fn camel(name: &str) -> String {
    if name == "id" {
        return "ID".to_owned();
    }
    let parts = name.split(['_', ':', '-']);
    parts.map(|part| part.get(..1).unwrap_or("").to_uppercase() + part.get(1..).unwrap_or("")).collect()
}
