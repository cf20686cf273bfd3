//! Contracts: what is lost or narrowed is named, what is kept is passed, what is not understood is said.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What the comparison says of `wide` beside `narrow`, as texts.
fn lost(wide: Value, narrow: Value) -> Vec<String> {
    let text = |finding: Finding| match finding.unclear {
        Some(keyword) => format!("{}: unclear {keyword}", finding.at),
        None => format!("{}: {}", finding.at, finding.what),
    };
    covers(&wide, &narrow).into_iter().map(text).collect()
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

#[test]
fn a_schema_that_takes_as_much_or_more_loses_nothing() {
    let old =
        object(json!({ "to": { "type": "string" }, "count": { "type": "integer", "minimum": 1 } }), &["to"]);
    for wide in [
        old.clone(),
        json!(true),
        json!({}),
        json!({ "type": ["object", "array"] }),
        object(json!({ "to": { "type": ["string", "null"] }, "count": { "type": "number" } }), &[]),
        object(json!({ "to": { "type": "string", "description": "who" }, "new": {} }), &["to"]),
        json!({ "anyOf": [{ "type": "string" }, { "type": "object" }] }),
    ] {
        assert_eq!(lost(wide.clone(), old.clone()), [""; 0], "{wide}");
    }
}

#[test]
fn what_a_schema_no_longer_takes_is_named_with_its_place() {
    let old = object(json!({ "to": { "type": ["string", "integer"] } }), &[]);
    let cases = [
        (object(json!({ "to": { "type": "string" } }), &[]), "/to: no integer"),
        (object(json!({ "to": { "type": ["string", "integer"] } }), &["to"]), ": `to` must be there"),
        (json!({ "type": "array" }), ": no object"),
        (json!(false), ": nothing at all is taken"),
        (object(json!({ "to": { "type": ["string", "integer"], "maxLength": 5 } }), &[]), "/to: maxLength 5"),
        (object(json!({ "to": { "type": ["string", "integer"], "minimum": 0 } }), &[]), "/to: minimum 0"),
    ];
    for (wide, said) in cases {
        assert_eq!(lost(wide.clone(), old.clone()), [said], "{wide}");
    }
    let closed = json!({ "type": "object", "properties": { "to": {} }, "additionalProperties": false });
    assert_eq!(lost(closed.clone(), old.clone()), [": no other properties"]);
    assert_eq!(
        lost(old, closed),
        ["/to: no array", "/to: no boolean", "/to: no null", "/to: no number", "/to: no object"]
    );
}

#[test]
fn lists_of_values_and_bounds_are_compared() {
    assert_eq!(lost(json!({ "enum": [1, 2, 3] }), json!({ "enum": [1, 2] })), [""; 0]);
    assert_eq!(lost(json!({ "enum": [1] }), json!({ "enum": [1, "two"] })), [": no \"two\""]);
    assert_eq!(lost(json!({ "const": 1 }), json!({ "type": "integer" })), [": only values from a list"]);
    assert_eq!(lost(json!({ "type": "integer" }), json!({ "enum": [1, 2] })), [""; 0]);
    assert_eq!(lost(json!({ "type": "integer" }), json!({ "type": "number" })), [": no number"]);
    assert_eq!(lost(json!({ "minimum": 1 }), json!({ "type": "integer", "minimum": 5 })), [""; 0]);
    assert_eq!(lost(json!({ "minimum": 5 }), json!({ "type": "integer", "minimum": 1 })), [": minimum 5"]);
    assert_eq!(lost(json!({ "minimum": 5 }), json!({ "type": "string" })), [""; 0]);
    let list = |items: Value, max: u64| json!({ "type": "array", "items": items, "maxItems": max });
    assert_eq!(lost(list(json!({ "type": "string" }), 5), list(json!({ "const": "a" }), 4)), [""; 0]);
    assert_eq!(lost(list(json!({ "type": "string" }), 3), list(json!(true), 4)).len(), 7);
}

#[test]
fn what_is_not_understood_is_said_and_never_passed() {
    assert_eq!(
        lost(json!({ "pattern": "a" }), json!({ "type": "string", "pattern": "b" })),
        [": unclear pattern"]
    );
    assert_eq!(lost(json!({ "$ref": "#/a" }), json!({})), [": unclear $ref"]);
    assert_eq!(lost(json!({ "not": {} }), json!({ "type": "null" })), [": unclear not"]);
    assert_eq!(lost(json!(7), json!({})), [": unclear schema"]);
    assert_eq!(
        lost(json!({ "anyOf": [{ "type": "null" }] }), json!({ "type": "string" })),
        [": unclear anyOf"]
    );
    // The same strange thing on both sides asks for the same.
    let same = json!({ "type": "string", "pattern": "a" });
    assert_eq!(lost(json!({ "pattern": "a" }), same), [""; 0]);
}

#[test]
fn a_contract_breaks_where_a_caller_would_notice() {
    let contract = |text: Value| -> Contract { serde_json::from_value(text).unwrap() };
    let old = contract(json!({
        "send": { "params": { "type": ["string", "null"] }, "result": { "type": "integer" } },
        "list": {},
    }));
    let new = contract(
        json!({ "send": { "params": { "type": "string" }, "result": { "type": ["integer", "null"] } } }),
    );
    let said: Vec<String> = breaches(&old, &new).iter().map(ToString::to_string).collect();
    let wanted =
        ["method `list` is gone", "method `send` takes less: no null", "method `send` gives more: no null"];
    assert_eq!(said, wanted);
    assert_eq!(
        breaches(&new, &old).len(),
        0,
        "the other way it takes more, gives less and has a method more"
    );
    assert_eq!(breaches(&old, &old), []);
}

#[test]
fn a_schema_of_any_depth_is_compared_in_bounds() {
    let mut deep = json!({ "type": "string" });
    for _ in 0..100 {
        deep = json!({ "type": "array", "items": deep });
    }
    let said = lost(deep, json!({ "type": "array" }));
    assert!(!said.is_empty() && said.len() <= FINDINGS_MAX);
}

fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        prop::sample::subsequence(vec!["string", "integer", "number", "null", "boolean"], 1..4)
            .prop_map(|types| json!({ "type": types })),
        (0_i64..5, 0_i64..5)
            .prop_map(|(low, high)| json!({ "type": "integer", "minimum": low, "maximum": high })),
        prop::sample::subsequence(vec![json!(1), json!("a"), json!(null), json!(2)], 1..4)
            .prop_map(|values| json!({ "enum": values })),
        (0_u64..4).prop_map(|length| json!({ "type": "string", "maxLength": length })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (prop::collection::btree_map("[ab]", inner.clone(), 0..3), prop::sample::subsequence(vec!["a", "b"], 0..3), any::<bool>())
                .prop_map(|(properties, required, open)| {
                    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": open })
                }),
            inner.clone().prop_map(|items| json!({ "type": "array", "items": items })),
            prop::collection::vec(inner, 1..3).prop_map(|branches| json!({ "anyOf": branches })),
        ]
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        (-1_i64..6).prop_map(|value| json!(value)),
        Just(json!(1.5)),
        "[ab]{0,5}".prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|values| json!(values)),
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// Whether a schema of the kinds above takes a value: written apart from the comparison, to hold it to account.
fn takes(schema: &Value, value: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return *schema == json!(true) };
    schema.iter().all(|(keyword, asked)| match keyword.as_str() {
        "type" => {
            let words = asked.as_array().cloned().unwrap_or_else(|| vec![asked.clone()]);
            let kind = type_of(value);
            words.iter().any(|word| *word == kind || (*word == "number" && kind == "integer"))
        }
        "minimum" => value.as_f64().is_none_or(|number| number >= asked.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= asked.as_f64().unwrap()),
        "maxLength" => value.as_str().is_none_or(|text| text.len() as u64 <= asked.as_u64().unwrap()),
        "enum" => asked.as_array().unwrap().contains(value),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| takes(asked, item))),
        "required" => value.as_object().is_none_or(|map| {
            asked.as_array().unwrap().iter().all(|name| map.contains_key(name.as_str().unwrap()))
        }),
        "properties" => value.as_object().is_none_or(|map| {
            map.iter().all(|(name, inner)| asked.get(name).is_none_or(|schema| takes(schema, inner)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|map| {
            map.keys().all(|name| *asked == json!(true) || schema["properties"].get(name).is_some())
        }),
        "anyOf" => asked.as_array().unwrap().iter().any(|branch| takes(branch, value)),
        other => panic!("{other}"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whoever_is_said_to_take_as_much_takes_every_value(
        wide in any_schema(),
        narrow in any_schema(),
        value in any_value()
    ) {
        if covers(&wide, &narrow).is_empty() && takes(&narrow, &value) {
            prop_assert!(takes(&wide, &value), "{} takes {}, {} does not", narrow, value, wide);
        }
    }

    #[test]
    fn a_schema_takes_as_much_as_itself(schema in any_schema()) {
        prop_assert!(covers(&schema, &schema).is_empty());
    }
}
