//! A module's own section of the configuration: its schema's defaults and coercions applied, and `config.set` turned into
//! a change of `config.d/90-set.yaml`, so that no file that a person wrote is rewritten by a program.

use std::path::{Path, PathBuf};

use protocol::files::config::{Config, coerce, set, set_in_text};
use serde_json::{Map, Value};

use super::read_text;
use crate::home::Home;

#[cfg(test)]
mod tests;

/// 16 levels of a schema are followed for defaults; deeper ones are validated only.
const DEPTH_MAX: usize = 16;

/// 16 complaints about one section are told; a person mends them one by one anyway.
const COMPLAINTS_MAX: usize = 16;

/// A section as its module gets it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Section {
    /// The section; nothing when there is none and the schema has no defaults either.
    pub(crate) value: Option<Value>,
    /// What was replaced by its default, and why. Values are never in it.
    pub(crate) complaints: Vec<String>,
}

/// The section under `key`.
pub(crate) fn section(config: &Config, key: &str, schema: Option<&Path>) -> Section {
    prepared(config.section(key).cloned(), key, schema)
}

fn prepared(raw: Option<Value>, key: &str, schema: Option<&Path>) -> Section {
    let Some(path) = schema else { return Section { value: raw, complaints: Vec::new() } };
    let told = |why: String| vec![format!("schema of `{key}`: {why}")];
    if path.extension().is_none_or(|end| end != "json") {
        let why = format!("`{}` is no JSON Schema, so the section is taken as it is", path.display());
        return Section { value: raw, complaints: told(why) };
    }
    let read = read_text(path).map_err(|error| error.to_string());
    let parsed =
        read.and_then(|text| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string()));
    let schema = match parsed {
        Ok(schema) => schema,
        Err(why) => {
            let why = format!("`{}` can't be used, so the section is taken as it is: {why}", path.display());
            return Section { value: raw, complaints: told(why) };
        }
    };
    let had_one = raw.is_some();
    let mut value = raw.unwrap_or_else(|| Value::Object(Map::new()));
    complete(&mut value, &schema, DEPTH_MAX);
    let complaints = validated(&mut value, key, &schema);
    let is_empty = value.as_object().is_some_and(Map::is_empty);
    Section { value: (had_one || !is_empty).then_some(value), complaints }
}

/// Fills in defaults and reads texts as what the schema says they are.
fn complete(value: &mut Value, schema: &Value, depth: usize) {
    if value.is_null()
        && let Some(default) = schema.get("default")
    {
        *value = default.clone();
    }
    coerce_to(value, schema.get("type").and_then(Value::as_str));
    let (Some(map), Some(properties)) =
        (value.as_object_mut(), schema.get("properties").and_then(Value::as_object))
    else {
        return;
    };
    if depth == 0 {
        return;
    }
    for (name, property) in properties {
        if !map.contains_key(name) {
            let nested = property.get("type").and_then(Value::as_str) == Some("object");
            let mut fresh = property.get("default").cloned().unwrap_or(Value::Null);
            if nested && fresh.is_null() {
                fresh = Value::Object(Map::new());
                complete(&mut fresh, property, depth - 1);
                if fresh.as_object().is_some_and(Map::is_empty) {
                    continue;
                }
            }
            if !fresh.is_null() {
                map.insert(name.clone(), fresh);
            }
        }
        if let Some(inner) = map.get_mut(name) {
            complete(inner, property, depth - 1);
        }
    }
}

fn coerce_to(value: &mut Value, kind: Option<&str>) {
    match (kind, &*value) {
        (Some("number" | "integer" | "boolean" | "array" | "object" | "null"), Value::String(_)) => {
            *value = coerce(value.take());
        }
        (Some("string"), Value::Number(number)) => *value = Value::String(number.to_string()),
        (Some("string"), Value::Bool(flag)) => *value = Value::String(flag.to_string()),
        _ => {}
    }
}

/// Replaces what the schema refuses by its default, at the top of the section, and says so.
fn validated(value: &mut Value, key: &str, schema: &Value) -> Vec<String> {
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![format!("schema of `{key}`: {}", error.masked())],
    };
    let mut complaints = Vec::new();
    let mut fields = Vec::new();
    for error in validator.iter_errors(value).take(COMPLAINTS_MAX) {
        let path = error.instance_path().to_string();
        let place = path.trim_start_matches('/').replace('/', ".");
        let dot = if place.is_empty() { "" } else { "." };
        complaints.push(format!("`{key}{dot}{place}`: {}", error.masked()));
        fields.extend(place.split('.').next().filter(|field| !field.is_empty()).map(str::to_owned));
    }
    let Some(map) = value.as_object_mut() else { return complaints };
    for field in fields {
        let default = schema.get("properties").and_then(|all| all.get(&field)?.get("default")).cloned();
        match default {
            Some(default) => drop(map.insert(field, default)),
            None => drop(map.shift_remove(&field)),
        }
    }
    complaints
}

/// A change of one value, ready to be written.
#[derive(Debug, PartialEq)]
pub(crate) struct PlannedSet {
    /// The file to write.
    pub(crate) path: PathBuf,
    /// Its new text.
    pub(crate) text: String,
    /// The value as it is understood.
    pub(crate) coerced: Value,
}

/// The file as it is now, empty when it is not there.
pub(crate) fn set_text(home: &Home) -> Result<String, String> {
    match read_text(&home.config_set()) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("the configuration can't be read: {error}")),
    }
}

/// Works out what `config.set` comes to, without writing it. The error is for the module: it never holds a value.
pub(crate) fn plan_set(
    home: &Home,
    config: &Config,
    key: &str,
    value: Value,
    schema: Option<&Path>,
) -> Result<PlannedSet, String> {
    let coerced = coerce(value);
    let own = key.split('.').next().unwrap_or(key);
    let mut after = config.values().clone();
    set(&mut after, key, coerced.clone()).map_err(|error| error.to_string())?;
    let section = prepared(after.get(own).cloned(), own, schema.filter(|path| is_json(path)));
    if let Some(complaint) = section.complaints.first() {
        return Err(complaint.clone());
    }
    let path = home.config_set();
    let text = set_text(home)?;
    let file = path.display().to_string();
    let text = set_in_text(&file, &text, key, &coerced).map_err(|error| error.to_string())?;
    Ok(PlannedSet { path, text, coerced })
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "json")
}
