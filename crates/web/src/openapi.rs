//! The OpenAPI 3.1 document: the table of routes together with the schemas of the operator door, which are JSON Schema
//! 2020-12 already, as OpenAPI 3.1 takes them. There is nothing to keep in step by hand.

use protocol::operator::operator_door;
use serde_json::{Map, Value, json};

use crate::routes::{BASE, Kind, Route, Taken, routes};

#[cfg(test)]
mod tests;

mod own;

/// The whole document.
pub fn document() -> Value {
    let door = operator_door();
    let mut paths = Map::new();
    for route in routes() {
        let path = entry(&mut paths, &format!("{BASE}{}", route.path));
        path.insert(route.method.as_str().to_owned(), operation(&door, route));
    }
    own::add(&mut paths);
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ostoja",
            "version": "1",
            "summary": "The operator door over HTTP",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:7117"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(&door),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": crate::access::COOKIE},
            },
            "responses": {
                "Problem": {
                    "description": "Why not",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                },
            },
        },
    });
    moved(document)
}

fn entry<'m>(paths: &'m mut Map<String, Value>, path: &str) -> &'m mut Map<String, Value> {
    let found = paths.entry(path.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    found.as_object_mut().expect("every path was made as an object above")
}

fn schemas(door: &Value) -> Map<String, Value> {
    let mut schemas = door["$defs"].as_object().cloned().unwrap_or_default();
    schemas.retain(|name, _| {
        !matches!(name.as_str(), "Request" | "Response" | "Event" | "EventLine" | "Answers")
    });
    schemas.extend(own::schemas());
    schemas
}

fn operation(door: &Value, route: &Route) -> Value {
    let fields = fields_of(door, route);
    let mut parameters: Vec<Value> = Vec::new();
    for (part, field) in route.parts {
        let schema = fields.get(*field).cloned().unwrap_or(json!({"type": "string"}));
        parameters.push(json!({"name": part, "in": "path", "required": true, "schema": schema}));
    }
    for asked in route.query {
        let schema = match asked.kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Number => json!({"type": "integer", "minimum": 0}),
            Kind::WaitMs(max) => json!({"type": "integer", "minimum": 1, "maximum": max}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::List => json!({"type": "string", "description": "Between commas"}),
        };
        parameters.push(json!({"name": asked.name, "in": "query", "schema": schema}));
    }
    if route.changes() {
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 128}}));
    }
    let mut operation = json!({
        "operationId": format!("{}.{}", route.method.as_str(), name_of(route)),
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "Done",
                "content": {"application/json": {"schema": answer(door, route)}},
            },
            "default": {"$ref": "#/components/responses/Problem"},
        },
        "x-ostoja-cmd": route.cmd,
    });
    if let Taken::Fields(names) = route.body {
        operation["requestBody"] = body(door, route, names, &fields);
    }
    operation
}

/// The verb, with which of its own verbs where it has several.
fn name_of(route: &Route) -> String {
    match route.verb {
        Some(verb) => format!("{}.{verb}", route.cmd),
        None => route.cmd.to_owned(),
    }
}

fn body(door: &Value, route: &Route, names: &[&str], fields: &Map<String, Value>) -> Value {
    let required = required_of(door, route);
    let needed: Vec<&str> =
        names.iter().copied().filter(|name| required.iter().any(|needed| needed == name)).collect();
    let properties: Map<String, Value> =
        names.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone()))).collect();
    json!({
        "required": !needed.is_empty(),
        "content": {"application/json": {"schema": {
            "type": "object", "properties": properties, "required": needed, "additionalProperties": false,
        }}},
    })
}

/// The schema of a good answer.
fn answer(door: &Value, route: &Route) -> Value {
    let answers = &door["$defs"]["Answers"]["properties"];
    let exactly = &answers[name_of(route)];
    // Pins are answered without data; what has no answer of its own has that of the verb it belongs to.
    let known = match route.verb {
        Some("pin" | "unpin") => &Value::Null,
        Some(_) if exactly.is_null() => &answers[route.cmd],
        _ => exactly,
    };
    let plain = if known.is_null() { json!({"type": "object"}) } else { known.clone() };
    match route.wrap {
        Some(name) => json!({"type": "object", "properties": {name: plain}, "required": [name]}),
        None if fields_of(door, route).contains_key("dryRun") => {
            json!({"anyOf": [plain, {"$ref": "#/$defs/Plan"}]})
        }
        None => plain,
    }
}

/// All verbs.
#[cfg(test)]
pub(crate) fn commands(door: &Value) -> Vec<String> {
    let variants = door["$defs"]["Request"]["oneOf"].as_array().into_iter().flatten();
    variants.filter_map(|variant| variant["properties"]["cmd"]["const"].as_str().map(str::to_owned)).collect()
}

fn variant<'d>(door: &'d Value, route: &Route) -> Vec<&'d Value> {
    let mut variants = door["$defs"]["Request"]["oneOf"].as_array().into_iter().flatten();
    let Some(own) = variants.find(|variant| variant["properties"]["cmd"]["const"] == route.cmd) else {
        return Vec::new();
    };
    let referred = own["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
    let shared = referred.map(|name| &door["$defs"][name]);
    let mut choices = shared.and_then(|shared| shared["oneOf"].as_array()).into_iter().flatten();
    let chosen = choices.find(|choice| choice["properties"]["verb"]["const"].as_str() == route.verb);
    std::iter::once(own).chain(shared).chain(chosen).collect()
}

/// The fields of a route's request, `cmd` among them; none for what is no verb.
pub(crate) fn fields_of(door: &Value, route: &Route) -> Map<String, Value> {
    let parts = variant(door, route).into_iter().filter_map(|part| part["properties"].as_object());
    parts.flatten().map(|(name, schema)| (name.clone(), schema.clone())).collect()
}

fn required_of(door: &Value, route: &Route) -> Vec<String> {
    let parts = variant(door, route).into_iter().filter_map(|part| part["required"].as_array());
    parts.flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// References point to where OpenAPI keeps schemas.
fn moved(value: Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("#/$defs/") {
            Some(name) => Value::String(format!("#/components/schemas/{name}")),
            None => Value::String(text),
        },
        Value::Array(values) => values.into_iter().map(moved).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, moved(value))).collect(),
        other => other,
    }
}
