//! A small door, and the real one.

use serde_json::json;

use super::{go, page, typescript};

fn small(field: &serde_json::Value) -> serde_json::Value {
    json!({"$defs": {
        "Opaque": {"description": "Anything."},
        "Mood": {"oneOf": [{"type": "string", "const": "good", "description": "Fine."}], "description": "How."},
        "ToModule": {"oneOf": [
            {"type": "object", "properties": {"type": {"type": "string", "const": "ping"}, "x": field}, "required": ["type", "x"],
             "description": "Alive?"},
        ]},
        "FromModule": {"oneOf": [
            {"type": "object", "properties": {
                "type": {"type": "string", "const": "end:now"},
                "n": {"type": ["integer", "null"], "format": "uint64", "description": "How many."},
                "mood": {"$ref": "#/$defs/Mood", "description": "How it is."},
             }, "required": ["type", "mood"], "description": "Over."},
        ]},
    }})
}

#[test]
fn a_message_becomes_one_member_of_a_union_in_typescript() {
    let text = typescript(&small(&json!({"$ref": "#/$defs/Opaque", "description": "What."}))).unwrap();
    let expected = "export type FromModule =\n  /** Over. */\n  | {\n      type: \"end:now\";\n      /** How many. */\n      n?: number;\n      /** How it is. */\n      mood: Mood;\n    };\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("export type Mood = \"good\";"), "{text}");
    assert!(text.contains("      x: unknown;\n"), "{text}");
}

#[test]
fn a_message_that_is_sent_becomes_a_struct_in_go() {
    let text = go(&small(&json!({"type": "string"}))).unwrap();
    assert!(text.contains("type EndNowFrame struct {\n"), "{text}");
    assert!(text.contains("\tN *uint64 `json:\"n,omitempty\"`\n"), "{text}");
    assert!(text.contains("\tMood Mood `json:\"mood\"`\n"), "{text}");
    assert!(text.contains("\tMoodGood Mood = \"good\"\n"), "{text}");
}

#[test]
fn a_message_is_a_table_for_people() {
    let text = page(&small(&json!({"$ref": "#/$defs/Opaque", "description": "This | that."}))).unwrap();
    let expected = "### `ping`\n\nAlive?\n\n| field | type | there | what it holds |\n|---|---|---|---|\n| `x` | any JSON value | always | This \\| that. |\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("| `n` | integer (uint64) | or not | How many. |"), "{text}");
    assert!(text.contains("| `mood` | [`Mood`](#mood) | always | How it is. |"), "{text}");
    assert!(
        text.contains("### `Mood`\n\nHow.\n\n| word | what it means |\n|---|---|\n| `good` | Fine. |\n"),
        "{text}"
    );
}

#[test]
fn what_no_language_has_a_type_for_is_an_error_that_names_it() {
    let error = typescript(&small(&json!({"type": "boolean"}))).unwrap_err();
    assert!(format!("{error:#}").contains("ping: x: no type of the SDKs for Some(\"boolean\")"), "{error:#}");
}

#[test]
fn the_real_door_has_all_its_messages_in_both_languages() {
    let schema = protocol::schema::module_door();
    let (typescript, go) = (typescript(&schema).unwrap(), go(&schema).unwrap());
    for side in ["ToModule", "FromModule"] {
        for message in schema["$defs"][side]["oneOf"].as_array().unwrap() {
            let word = message["properties"]["type"]["const"].as_str().unwrap();
            assert!(typescript.contains(&format!("type: \"{word}\";")), "{word}");
        }
    }
    assert!(go.contains("type RpcRequestFrame struct") && go.contains("type StateSavedFrame struct"));
}
