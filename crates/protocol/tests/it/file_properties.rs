//! Properties of the file readers that hold for any input.

use proptest::prelude::*;
use protocol::files::config::{Config, Layer, coerce, set, set_in_text, unset_in_text};
use protocol::files::manifest::Manifest;
use protocol::files::permissions::Store;
use protocol::files::project::Project;
use serde_json::{Map, Value};

/// Values that YAML and JSON share, with few keys so that layers and paths meet often.
fn values(depth: u32) -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~ł\\n]{0,8}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(depth, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            entries(inner).prop_map(Value::Object),
        ]
    });
    entries(value)
}

fn entries(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(("[abc]{1,2}", value), 0..4).prop_map(|entries| entries.into_iter().collect())
}

/// The naive twin of the merge, on values without places.
fn merged(below: &mut Map<String, Value>, above: &Map<String, Value>) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merged(below, above),
            _ => {
                below.insert(key.clone(), value.clone());
            }
        }
    }
}

fn block_yaml(values: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_block(values, 0, &mut text);
    text
}

/// As a person would write it: blocks for maps, JSON for the rest, and a comment now and then.
fn write_block(values: &Map<String, Value>, indent: usize, text: &mut String) {
    for (key, value) in values {
        let pad = " ".repeat(indent);
        match value {
            Value::Object(map) if !map.is_empty() => {
                text.push_str(&format!("{pad}# About {key}.\n{pad}{key}:\n"));
                write_block(map, indent + 2, text);
            }
            other => text.push_str(&format!("{pad}{key}: {other}\n")),
        }
    }
}

proptest! {
    #[test]
    fn layers_merge_as_their_naive_twin_does(layers in prop::collection::vec(values(3), 0..4)) {
        let mut expected = Map::new();
        let mut read = Vec::new();
        for (number, layer) in layers.iter().enumerate() {
            merged(&mut expected, layer);
            let text = if number % 2 == 0 { block_yaml(layer) } else { Value::Object(layer.clone()).to_string() };
            read.push(Layer::parse(&format!("{number}.yaml"), &text).expect("it is YAML"));
        }
        let config = Config::merge(&read);
        prop_assert_eq!(config.values(), &expected);
        for (path, value, origin) in config.leaves() {
            prop_assert_eq!(config.get(&path), Some(&value));
            let layer: usize = origin.file.trim_end_matches(".yaml").parse().expect("a number");
            prop_assert!(layer < layers.len());
        }
    }

    #[test]
    fn setting_in_the_text_means_what_setting_in_the_values_means(
        before in values(3),
        path in prop::collection::vec("[abc]{1,2}", 1..4),
        value in "[ -~ł\\n]{0,8}".prop_map(|text| coerce(Value::from(text))),
        is_block in any::<bool>(),
    ) {
        let path = path.join(".");
        let text = if is_block { block_yaml(&before) } else { Value::Object(before.clone()).to_string() };
        let mut expected = before;
        let outcome = set(&mut expected, &path, value.clone());
        let edited = set_in_text("f", &text, &path, &value);
        prop_assert_eq!(edited.is_ok(), outcome.is_ok(), "{:?} {}", edited, text);
        if let Ok(edited) = edited {
            let read = Config::merge(&[Layer::parse("f", &edited).expect("it is YAML")]);
            prop_assert_eq!(read.values(), &expected);
            let unset = unset_in_text("f", &edited, &path).expect("it can be taken away").expect("it is there");
            let read = Config::merge(&[Layer::parse("f", &unset).expect("it is YAML")]);
            prop_assert_eq!(read.get(&path), None);
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,200}") {
        let _ = Manifest::parse("f", &text);
        let _ = Project::parse("f", &text);
        let _ = Layer::parse("f", &text);
        let _ = Store::parse("f", &text);
    }

    #[test]
    fn no_text_of_yaml_pieces_makes_a_reader_panic(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "modules", "run", "ready", "needs", "http", "tcp", "limits", "memory", "on_give_up", "start", "env", "stop",
            "grace", "permissions", "pending", "dynamic", "base", "id", "name", "lifecycle", "maxRestarts",
            ": ", ":\n", "\n", "\n  ", "\n    ", "- ", "{", "}", "[", "]", ", ", "'", "\"", "&a ", "*a", "<<: *a", "|\n",
            "#", "!!int ", "1", "0x", "-1", "1e9", "5s", "64k", "a", "ł", "\t", "---\n", "%", "\\", "~",
        ]), 0..60),
    ) {
        let text = pieces.concat();
        for text in [text.clone(), format!("modules:\n  m:\n    {text}"), format!("{{\"id\": {text}}}")] {
            let _ = Manifest::parse("f", &text);
            let _ = Project::parse("f", &text);
            let _ = Layer::parse("f", &text).map(|layer| Config::merge(&[layer]));
            let _ = Store::parse("f", &text);
        }
    }

    #[test]
    fn a_store_survives_being_written(values in values(3), providers in entries("[ab]{1,2}".prop_map(Value::from))) {
        let text = serde_json::json!({ "modules": values, "serviceProviders": providers, "other": 1 }).to_string();
        let (store, _) = Store::parse("f", &text).expect("the file as a whole is fine");
        let (again, _) = Store::parse("f", &store.to_yaml()).expect("it was just written");
        prop_assert_eq!(again, store);
    }

    #[test]
    fn places_lie_inside_the_text(text in "[a-z: \\n\\-\\[\\]{},ł#'\"]{0,60}") {
        if let Err(errors) = Project::parse("f", &text) {
            for error in &errors {
                let lines = text.split('\n').count().max(1);
                prop_assert!(error.at.line as usize <= lines + 1, "{}", error);
            }
        }
    }
}
