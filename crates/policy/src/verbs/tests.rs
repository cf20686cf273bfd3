//! The built-in policies against the table of the door, for every verb and every role: the verbs come from the door's
//! schema, so that none is forgotten. `UPDATE_EXPECT=1` writes both files anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use protocol::operator::{Request, Role, Weight, operator_door};
use serde_json::{Map, Value, json};

use super::*;
use crate::engine::{Policies, Question, Resource};

/// One request of each verb, made of the door's schema: required fields get the least that fits.
fn one_of_each() -> BTreeMap<String, Request> {
    let door = operator_door();
    let mut all = BTreeMap::new();
    for variant in door["$defs"]["Request"]["oneOf"].as_array().expect("variants") {
        let resolved = resolve(&door, variant);
        let cmd = constant(variant, "cmd").or(constant(resolved, "cmd")).expect("a cmd");
        let verbs = resolved["oneOf"].as_array().cloned().unwrap_or_default();
        let forms: Vec<Vec<Value>> = match verbs.is_empty() {
            true => vec![vec![variant.clone(), resolved.clone()]],
            false => verbs.into_iter().map(|verb| vec![variant.clone(), resolved.clone(), verb]).collect(),
        };
        for parts in forms {
            let mut line = least(&door, &parts);
            line.insert("cmd".to_owned(), json!(cmd));
            let verb = line.get("verb").and_then(Value::as_str).map(|verb| format!("{cmd}.{verb}"));
            let request =
                serde_json::from_value(Value::Object(line)).unwrap_or_else(|e| panic!("{cmd}: {e}"));
            all.insert(verb.unwrap_or_else(|| cmd.to_owned()), request);
        }
    }
    all
}

fn constant<'v>(schema: &'v Value, field: &str) -> Option<&'v str> {
    schema["properties"][field]["const"].as_str()
}

fn resolve<'v>(door: &'v Value, schema: &'v Value) -> &'v Value {
    match schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        Some(name) => &door["$defs"][name],
        None => schema,
    }
}

fn least(door: &Value, parts: &[Value]) -> Map<String, Value> {
    let mut fields = Map::new();
    for part in parts {
        for name in part["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            fields.insert(name.to_owned(), least_value(door, &part["properties"][name]));
        }
    }
    fields
}

fn least_value(door: &Value, schema: &Value) -> Value {
    let schema = resolve(door, schema);
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    if let Some(first) = schema["enum"].get(0).or_else(|| schema["oneOf"].get(0)?.get("const")) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("array") => json!([]),
        Some("object") => json!({}),
        Some("integer") => json!(1),
        Some("string") => json!("a"),
        _ => Value::Null,
    }
}

fn area(verb: &str) -> Option<&str> {
    verb.split_once('.').map(|(area, _)| area)
}

fn generated_schema(all: &BTreeMap<String, Request>) -> String {
    let mut text = String::from(
        "// What policies can speak of. Made of the operator door's own schema: UPDATE_EXPECT=1 cargo test -p policy\n\
         namespace Ostoja {\n\
         \x20 // Each role is in the one below it.\n\
         \x20 entity Role in [Role];\n\
         \x20 // Whoever asks, by the name that the journal has: a token's name, `owner` for a session of the dashboard.\n\
         \x20 entity User in [Role];\n\
         \x20 entity Zone;\n\
         \x20 entity Module in [Zone];\n\
         \x20 // What is about no module and no zone.\n\
         \x20 entity Kernel;\n\n\
         \x20 // All verbs that change something.\n\
         \x20 action \"changes\";\n",
    );
    let areas: BTreeSet<&str> = all.keys().filter_map(|verb| area(verb)).collect();
    for area in areas {
        writeln!(text, "  action \"{area}.*\";").expect("text");
    }
    text.push('\n');
    for (verb, request) in all {
        let change = (request.weight() == Weight::Change).then(|| "\"changes\"".to_owned());
        let area = area(verb).map(|area| format!("\"{area}.*\""));
        let groups: Vec<String> = [area, change].into_iter().flatten().collect();
        let inside = if groups.is_empty() { String::new() } else { format!(" in [{}]", groups.join(", ")) };
        let rest =
            "appliesTo { principal: [User], resource: [Kernel, Zone, Module], context: { dryRun: Bool } }";
        writeln!(text, "  action \"{verb}\"{inside} {rest};").expect("text");
    }
    text.push_str("}\n");
    text
}

fn generated_roles(all: &BTreeMap<String, Request>) -> String {
    let mut text = String::from(
        "// The built-in roles. Made of the table in crates/protocol/src/operator/roles.rs: UPDATE_EXPECT=1 cargo test -p policy\n",
    );
    for role in Role::ALL {
        write!(
            text,
            "\n@role(\"{role}\")\npermit (\n  principal in Ostoja::Role::\"{role}\",\n  action in [\n"
        )
        .expect("text");
        for (verb, _) in all.iter().filter(|(_, request)| request.least_role() == role) {
            writeln!(text, "    Ostoja::Action::\"{verb}\",").expect("text");
        }
        text.truncate(text.trim_end_matches(",\n").len());
        text.push_str("\n  ],\n  resource\n);\n");
    }
    text
}

#[test]
fn both_files_are_what_the_door_gives() {
    let all = one_of_each();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    for (name, made, kept) in [
        ("operator.cedarschema", generated_schema(&all), SCHEMA),
        ("roles.cedar", generated_roles(&all), ROLES),
    ] {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(format!("{folder}{name}"), &made).expect("written");
        } else {
            assert!(made == kept, "{name} is not what the door gives: UPDATE_EXPECT=1 cargo test -p policy");
        }
    }
}

#[test]
fn every_verb_is_decided_for_every_role_as_the_table_says() {
    let policies = Policies::try_new(&[]).expect("the built-in ones");
    let all = one_of_each();
    assert!(all.len() >= 60, "{}", all.len());
    assert_eq!(all.keys().map(String::as_str).collect::<BTreeSet<_>>(), verbs().collect());
    for (verb, request) in &all {
        for role in Role::ALL {
            let resource = Resource::Module { id: "shop", zone: Some("stable") };
            let question = Question { user: Some("ann"), role: Some(role), verb, resource, dry_run: false };
            let decision = policies.decide(&question);
            assert_eq!(decision.is_allowed, role.may(request), "{role} asks {verb}: {decision:?}");
            assert_eq!(decision.by.is_empty(), !decision.is_allowed, "{role} asks {verb}");
        }
        let question =
            Question { user: Some("ann"), role: None, verb, resource: Resource::Kernel, dry_run: false };
        assert!(!policies.decide(&question).is_allowed, "nobody's role asks {verb}");
    }
}

#[test]
fn a_mistyped_verb_is_none_and_has_its_neighbour() {
    assert!(knows_verb("module.restart") && !knows_verb("changes") && !knows_verb("module.*"));
    assert_eq!(nearest_verb("modul.restart"), Some("module.restart"));
}
