//! The checked-in schema against the types it comes from.

use std::path::Path;

use serde_json::Value;

use crate::vectors;

fn check(name: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema").join(name);
    let generated = protocol::schema::to_text(schema);
    if vectors::is_update() {
        std::fs::write(&path, &generated).expect("the schema is written");
    }
    let checked_in = std::fs::read_to_string(&path).expect("the schema is checked in");
    assert!(checked_in == generated, "schema/{name} is out of date: cargo xtask schema");
}

#[test]
fn the_checked_in_schemas_are_those_of_the_types() {
    check("module-door.json", &protocol::schema::module_door());
    check("operator-door.json", &protocol::operator::operator_door());
}

#[test]
fn the_operator_schema_names_every_request() {
    let schema = protocol::operator::operator_door();
    let variants = schema["$defs"]["Request"]["oneOf"].as_array().expect("a choice of requests");
    let words: Vec<&str> =
        variants.iter().filter_map(|variant| variant["properties"]["cmd"]["const"].as_str()).collect();
    assert_eq!(words.len(), variants.len());
    for older in ["module.list", "module.status", "module.restart", "module.install"] {
        assert!(words.contains(&older), "{older}");
    }
}

#[test]
fn the_schema_names_every_message_of_both_directions() {
    let schema = protocol::schema::module_door();
    let words = |name: &str| -> Vec<String> {
        let variants = schema["$defs"][name]["oneOf"].as_array().expect("a choice of messages");
        let word = |variant: &Value| variant["properties"]["type"]["const"].as_str().map(str::to_owned);
        variants.iter().map(|variant| word(variant).expect("a message has a type")).collect()
    };
    let both = ["cancel", "progress", "chunk", "end", "credit"];
    let to_module = [
        "install",
        "init",
        "transport",
        "deps_ready",
        "service_available",
        "ping",
        "deliver",
        "config:update",
        "call",
        "call:response",
        "rpc_request",
        "rpc_response",
        "shutdown",
    ];
    let expected: Vec<&str> = [&to_module[..], &both, &["state:save", "state:restore"]].concat();
    assert_eq!(words("ToModule"), expected);
    let from_module = [
        "ready",
        "log",
        "log-group",
        "ack",
        "nack",
        "publish",
        "call",
        "call:response",
        "pong",
        "rpc_request",
        "rpc_response",
    ];
    let expected: Vec<&str> = [&from_module[..], &both, &["state:saved", "state:restored"]].concat();
    assert_eq!(words("FromModule"), expected);
}
