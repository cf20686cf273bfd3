//! What the vectors can't show: what is absent, what is unknown, what `Debug` keeps to itself.

use serde_json::json;

use super::*;

#[test]
fn an_absent_result_and_a_null_one_stay_apart() {
    let read = |text: &str| serde_json::from_str::<FromModule>(text).expect("a message");
    let response = |result| FromModule::RpcResponse { id: "1".to_owned(), result, error: None };
    let absent = r#"{"type":"rpc_response","id":"1"}"#;
    let null = r#"{"type":"rpc_response","id":"1","result":null}"#;
    assert_eq!(read(absent), response(None));
    assert_eq!(read(null), response(Some(Opaque(Value::Null))));
    assert_eq!(serde_json::to_string(&read(absent)).expect("JSON"), absent);
    assert_eq!(serde_json::to_string(&read(null)).expect("JSON"), null);
}

#[test]
fn unknown_fields_are_ignored_in_both_directions() {
    let ping = serde_json::from_value::<ToModule>(json!({ "type": "ping", "colour": 1 }));
    assert_eq!(ping.expect("a message"), ToModule::Ping {});
    let pong = serde_json::from_value::<FromModule>(json!({ "type": "pong", "colour": 1 }));
    assert_eq!(pong.expect("a message"), FromModule::Pong {});
}

#[test]
fn a_level_and_its_word_belong_together() {
    for level in LogLevel::ALL {
        assert_eq!(LogLevel::from_word(level.as_str()), Some(level));
        assert_eq!(json!(level), json!(level.as_str()));
    }
    assert_eq!(LogLevel::from_word("Info"), None);
    assert!(LogLevel::Trace < LogLevel::Debug && LogLevel::Error < LogLevel::Fatal);
}

#[test]
fn debug_tells_the_kind_of_a_payload_and_not_its_value() {
    let shown: Vec<String> =
        [json!(null), json!(true), json!(7), json!("secret"), json!(["secret"]), json!({ "a": "secret" })]
            .into_iter()
            .map(|value| format!("{:?}", Opaque(value)))
            .collect();
    let kinds = ["null", "a truth value", "a number", "a text", "a list", "a map"];
    assert_eq!(shown, kinds.map(|kind| format!("Opaque({kind})")));
}
