//! The document holds together by itself.

use std::collections::BTreeSet;

use super::*;

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        Value::Object(fields) => {
            if let Some(Value::String(path)) = fields.get("$ref") {
                found.insert(path.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{}", found.len());
    for path in found {
        let pointer = path.strip_prefix('#').expect("a place in the document");
        assert!(document.pointer(pointer).is_some(), "{path}");
    }
}

#[test]
fn operations_have_names_of_their_own_and_all_parts_of_their_paths() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            if let Some(name) = operation["operationId"].as_str() {
                assert!(names.insert(name.to_owned()), "{name} twice");
            }
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let has = operation["parameters"].as_array().into_iter().flatten();
                assert!(
                    has.into_iter().any(|one| one["name"] == part && one["in"] == "path"),
                    "{method} {path}"
                );
            }
        }
    }
}

/// `UPDATE_EXPECT=1 cargo test -p web` writes it.
#[test]
fn the_document_that_is_checked_in_is_the_one_that_the_routes_give() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/openapi.json");
    let text = protocol::schema::to_text(&document());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(present == text, "schema/openapi.json differs: UPDATE_EXPECT=1 cargo test -p web writes it");
}
