//! Every verb for every role: the verbs come from the schema, so that none is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::operator::operator_door;

/// One request of each verb, made of its schema: required fields get the least that fits.
fn one_of_each() -> BTreeMap<String, Request> {
    let door = operator_door();
    let variants = door["$defs"]["Request"]["oneOf"].as_array().expect("variants").clone();
    let made = variants.iter().map(|variant| {
        let mut line = least(&door, variant);
        let cmd = own_cmd(&door, variant);
        line.insert("cmd".to_owned(), json!(cmd));
        let request = serde_json::from_value(Value::Object(line)).unwrap_or_else(|e| panic!("{cmd}: {e}"));
        (cmd, request)
    });
    made.collect()
}

fn own_cmd(door: &Value, variant: &Value) -> String {
    let cmd = &variant["properties"]["cmd"]["const"];
    let referred = &resolve(door, variant)["properties"]["cmd"]["const"];
    cmd.as_str().or(referred.as_str()).expect("a cmd").to_owned()
}

fn resolve<'v>(door: &'v Value, schema: &'v Value) -> &'v Value {
    match schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        Some(name) => &door["$defs"][name],
        None => schema,
    }
}

fn least(door: &Value, schema: &Value) -> serde_json::Map<String, Value> {
    let mut fields = serde_json::Map::new();
    let resolved = resolve(door, schema);
    // Of a choice the first.
    for part in [schema, resolved, &resolved["oneOf"][0]] {
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

#[test]
fn every_verb_has_the_least_role_that_the_table_gives_it() {
    let developer =
        "call context.delete context.get context.list context.set fn.put fn.rm fn.run logs publish subscribe";
    let operator = "kernel.reload kernel.resume kernel.safe-mode module.restart module.start module.stop module.swap \
                    zone.promote zone.reset zone.restart";
    let admin = "config kernel.stop module.approve module.install module.remove module.run module.uninstall module.update \
                 module.profile permissions.deny permissions.grant permissions.revoke secrets.changed secrets.unlock snapshot update";
    let named = |words: &str| words.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let all = one_of_each();
    assert!(all.len() >= 45, "{}", all.len());
    for (cmd, request) in &all {
        let least = if named(developer).contains(cmd) {
            Role::Developer
        } else if named(operator).contains(cmd) {
            Role::Operator
        } else if named(admin).contains(cmd) {
            Role::Admin
        } else {
            Role::Viewer
        };
        for role in Role::ALL {
            assert_eq!(role.may(request), role >= least, "{role} asks {cmd}");
        }
    }
    for cmd in [developer, operator, admin].into_iter().flat_map(named) {
        assert!(all.contains_key(&cmd), "{cmd} is no verb");
    }
}

#[test]
fn of_updates_viewers_see_what_there_is_operators_go_back_and_administrators_do_the_rest() {
    let least = |verb: UpdateVerb| Request::Update(verb).least_role();
    assert_eq!(least(UpdateVerb::List {}), Role::Viewer);
    assert_eq!(least(UpdateVerb::Status {}), Role::Viewer);
    assert_eq!(least(UpdateVerb::History {}), Role::Viewer);
    assert_eq!(least(UpdateVerb::OwnList {}), Role::Viewer);
    assert_eq!(least(UpdateVerb::RollBack { module_id: "a".to_owned() }), Role::Operator);
    for verb in [
        UpdateVerb::Plan { file: "/a.okm".to_owned(), also: Vec::new(), way: None },
        UpdateVerb::Apply { file: "/a.okm".to_owned(), also: Vec::new(), way: None, approve: false },
        UpdateVerb::Go { transaction: 1, approve: false },
        UpdateVerb::Pin { module_id: "a".to_owned(), name: "n".to_owned() },
        UpdateVerb::Unpin { name: "n".to_owned() },
        UpdateVerb::Gc {},
        UpdateVerb::Own { file: None, dry_run: false, allow_restarts: false },
    ] {
        assert_eq!(least(verb), Role::Admin);
    }
}

#[test]
fn a_viewer_can_change_nothing() {
    for (cmd, request) in one_of_each() {
        assert!(!Role::Viewer.may(&request) || request.weight() == Weight::Look, "{cmd}");
    }
}

#[test]
fn a_dry_run_is_a_look_and_the_same_without_is_a_change() {
    for (dry_run, weight) in [(true, Weight::Look), (false, Weight::Change)] {
        let stop = Request::ModuleStop { module_id: "a".to_owned(), dry_run };
        assert_eq!(stop.weight(), weight);
    }
    assert_eq!(
        Request::ContextGet(crate::operator::ContextKey { scope: String::new(), key: String::new() })
            .weight(),
        Weight::Look
    );
}

#[test]
fn a_name_for_the_journal_has_1_to_64_plain_characters() {
    let sound = |name: &str| OnBehalf { name: name.to_owned(), role: Role::Viewer }.is_sound();
    assert!(sound("a") && sound(&"ż".repeat(64)));
    assert!(!sound("") && !sound(&"a".repeat(65)) && !sound("a\nb") && !sound("a\u{1b}b"));
}
