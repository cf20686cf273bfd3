//! The door in TypeScript: unions over `type`, as a program that reads frames wants to switch over them.

use anyhow::Result;
use serde_json::Value;

use super::{Door, Field, Kind, Object, Presence, line};

/// `sdk/typescript/door.d.mts`.
///
/// # Errors
/// When the schema holds something that this page has no type for.
pub(in crate::schema) fn typescript(schema: &Value) -> Result<String> {
    let door = Door::read(schema)?;
    let mut text = String::from(
        "// Generated from schema/module-door.json by `cargo xtask schema`; changes here are lost.\n",
    );
    for words in &door.words {
        line(&mut text, format_args!("\n/** {} */", words.about));
        let all: Vec<String> = words.words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        line(&mut text, format_args!("export type {} = {};", words.name, all.join(" | ")));
    }
    for object in &door.objects {
        line(&mut text, format_args!("\n/** {} */", object.about));
        line(&mut text, format_args!("export interface {} {{", object.name));
        object.fields.iter().for_each(|field| declare(&mut text, "  ", field));
        text.push_str("}\n");
    }
    union(&mut text, "ToModule", "What the kernel says to a module.", &door.to_module);
    union(&mut text, "FromModule", "What a module says to the kernel.", &door.from_module);
    Ok(text)
}

fn union(text: &mut String, name: &str, about: &str, messages: &[Object]) {
    line(text, format_args!("\n/** {about} */"));
    line(text, format_args!("export type {name} ="));
    for (at, message) in messages.iter().enumerate() {
        line(text, format_args!("  /** {} */", message.about));
        line(text, format_args!("  | {{"));
        line(text, format_args!("      type: \"{}\";", message.name));
        message.fields.iter().for_each(|field| declare(text, "      ", field));
        let end = if at + 1 == messages.len() { ";" } else { "" };
        line(text, format_args!("    }}{end}"));
    }
}

fn declare(text: &mut String, indent: &str, field: &Field) {
    let mark = if field.presence == Presence::Optional { "?" } else { "" };
    line(text, format_args!("{indent}/** {} */", field.about));
    line(text, format_args!("{indent}{}{mark}: {};", field.name, name_of(&field.kind)));
}

fn name_of(kind: &Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Whole(_) | Kind::Number => "number".to_owned(),
        Kind::Any => "unknown".to_owned(),
        Kind::List(inner) => format!("{}[]", name_of(inner)),
        Kind::Named(name) => name.clone(),
    }
}
