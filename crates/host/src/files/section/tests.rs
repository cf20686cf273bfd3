//! A module's section: defaults, coercion, refusals.

use protocol::files::config::Layer;
use serde_json::json;

use super::*;

fn config(text: &str) -> Config {
    Config::merge(&[Layer::parse("config.yaml", text).expect("YAML")])
}

fn schema(folder: &tempfile::TempDir, schema: &Value) -> PathBuf {
    let path = folder.path().join("schema.json");
    std::fs::write(&path, schema.to_string()).expect("written");
    path
}

fn web_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "port": { "type": "integer", "default": 80, "minimum": 1 },
            "name": { "type": "string" },
            "tls": { "type": "object", "properties": { "on": { "type": "boolean", "default": false } } }
        }
    })
}

#[test]
fn defaults_are_filled_in_and_texts_become_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = schema(&folder, &web_schema());
    let section = section(&config("web: {port: '8080', name: 7}"), "web", Some(&path));
    assert_eq!(section.value, Some(json!({ "port": 8080, "name": "7", "tls": { "on": false } })));
    assert!(section.complaints.is_empty(), "{:?}", section.complaints);
}

#[test]
fn an_invalid_field_falls_back_to_its_default_and_its_value_is_not_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = schema(&folder, &web_schema());
    let section = section(&config("web: {port: -55}"), "web", Some(&path));
    assert_eq!(section.value.expect("a section")["port"], json!(80));
    assert_eq!(section.complaints.len(), 1);
    assert!(section.complaints[0].starts_with("`web.port`: "), "{:?}", section.complaints);
    assert!(!section.complaints[0].contains("55"), "{:?}", section.complaints);
}

#[test]
fn a_schema_in_typescript_is_said_to_be_ignored() {
    let section = section(&config("web: {port: x}"), "web", Some(Path::new("/m/schema.ts")));
    assert_eq!(section.value, Some(json!({ "port": "x" })));
    assert!(section.complaints[0].contains("taken as it is"));
}

#[test]
fn without_section_and_defaults_there_is_none() {
    assert_eq!(section(&config(""), "web", None).value, None);
    let folder = tempfile::tempdir().expect("a folder");
    let path = schema(&folder, &json!({ "type": "object" }));
    assert_eq!(section(&config(""), "web", Some(&path)).value, None);
}

#[test]
fn a_set_value_goes_to_its_own_file_and_is_coerced() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    let planned = plan_set(&home, &config("web: {port: 1}"), "web.port", json!("9"), None).expect("planned");
    assert_eq!(planned.coerced, json!(9));
    assert_eq!(planned.path, home.config_set());
    assert_eq!(config(&planned.text).get("web.port"), Some(&json!(9)));
}

#[test]
fn a_set_value_that_the_schema_refuses_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    let path = schema(&folder, &web_schema());
    let refused = plan_set(&home, &config(""), "web.port", json!(-1), Some(&path));
    assert!(refused.expect_err("refused").starts_with("`web.port`"));
    let refused = plan_set(&home, &config(""), "web.__proto__.x", json!(1), None);
    assert!(refused.expect_err("refused").contains("__proto__"));
}
