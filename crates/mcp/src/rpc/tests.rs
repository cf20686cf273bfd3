//! Lines of every shape that JSON-RPC knows, and of some that it does not.

use serde_json::json;

use super::*;

fn one(text: &str) -> Result<Message, Box<Flaw>> {
    match read(text) {
        Line::One(message) => message,
        other => panic!("{text} is {other:?}"),
    }
}

#[test]
fn each_kind_of_message_is_told_from_the_others() {
    let id = Id::of_number(7);
    let params = json!({ "a": 1 }).as_object().cloned().expect("a map");
    assert_eq!(
        one(r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":1}}"#),
        Ok(Message::Request { id: id.clone(), method: "m".to_owned(), params: params.clone() })
    );
    assert_eq!(
        one(r#"{"jsonrpc":"2.0","method":"m","params":{"a":1}}"#),
        Ok(Message::Notification { method: "m".to_owned(), params })
    );
    assert_eq!(
        one(r#"{"jsonrpc":"2.0","id":7,"result":null}"#),
        Ok(Message::Answer { id: id.clone(), outcome: Ok(Value::Null) })
    );
    assert_eq!(
        one(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"no"}}"#),
        Ok(Message::Answer { id, outcome: Err(RpcError::new(-1, "no")) })
    );
}

#[test]
fn what_is_no_message_is_refused_with_the_number_that_it_had() {
    let cases = [
        ("{", code::PARSE, None),
        ("7", code::INVALID_REQUEST, None),
        ("[]", code::INVALID_REQUEST, None),
        (r#"{"id":1,"method":"m"}"#, code::INVALID_REQUEST, Some(1)),
        (r#"{"jsonrpc":"2.0","id":1}"#, code::INVALID_REQUEST, Some(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, code::INVALID_REQUEST, Some(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#, code::INVALID_PARAMS, Some(1)),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#, code::INVALID_REQUEST, None),
    ];
    for (text, code, id) in cases {
        let flaw = one(text).expect_err(text);
        assert_eq!((flaw.error.code, flaw.id), (code, id.map(Id::of_number)), "{text}");
    }
}

#[test]
fn a_batch_is_read_part_by_part_up_to_its_bound() {
    let part = r#"{"jsonrpc":"2.0","method":"m"}"#;
    let batch = |count: usize| format!("[{}]", vec![part; count].join(","));
    assert!(matches!(read(&batch(2)), Line::Batch(parts) if parts.len() == 2));
    assert!(matches!(read(&batch(BATCH_MAX)), Line::Batch(parts) if parts.len() == BATCH_MAX));
    assert!(one(&batch(BATCH_MAX + 1)).is_err());
    assert!(
        matches!(read(&format!("[{part},7]")), Line::Batch(parts) if parts[0].is_ok() && parts[1].is_err())
    );
    assert_eq!(read("  \n"), Line::Blank);
}
