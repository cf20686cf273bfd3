//! What the demo's modules answer.

use super::*;

fn said(role: Role, message: &Value) -> (String, bool) {
    let mut out = Vec::new();
    let then = answer(role, message, &mut out).expect("memory can be written");
    (String::from_utf8(out).expect("it is JSON"), matches!(then, Then::GoOn))
}

#[test]
fn the_greeter_greets() {
    let call = json!({ "type": "rpc_request", "id": "1", "method": "hello", "params": { "name": "Ola" } });
    let (line, goes_on) = said(Role::Greeter, &call);
    let answer: Value = serde_json::from_str(&line).expect("it is JSON");
    assert_eq!(answer, json!({ "type": "rpc_response", "id": "1", "result": "Hello, Ola!" }));
    assert!(goes_on);
}

#[test]
fn the_worker_leaves_when_told_to_crash() {
    let (line, goes_on) = said(Role::Worker, &json!({ "type": "rpc_request", "id": "1", "method": "crash" }));
    assert_eq!((line.as_str(), goes_on), ("", false));
}

#[test]
fn only_the_curious_one_wishes() {
    let ready = json!({ "type": "deps_ready" });
    assert!(said(Role::Curious, &ready).0.contains("permissions.request"));
    assert_eq!(said(Role::Greeter, &ready).0, "");
}

#[test]
fn an_unknown_method_is_an_error_and_shutdown_an_end() {
    let call = json!({ "type": "rpc_request", "id": "1", "method": "dance" });
    assert!(said(Role::Greeter, &call).0.contains("unknown method `dance`"));
    assert!(!said(Role::Greeter, &json!({ "type": "shutdown" })).1);
}
