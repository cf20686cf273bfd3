//! Every message of the kernel in the vectors, said to a module.

use std::collections::BTreeSet;

use sdk::{Module, Outcome, Value, json};

use crate::fake_kernel::FakeKernel;

const VECTORS: &str = include_str!("../../../../conformance/vectors/codec-to-module.jsonl");

fn lines() -> Vec<String> {
    let vectors = VECTORS.lines().map(|line| serde_json::from_str::<Value>(line).expect("a vector is JSON"));
    vectors.map(|vector| vector["expect"].as_str().expect("a vector has a line").to_owned()).collect()
}

#[test]
fn every_message_in_the_vectors_is_understood() {
    let mut seen = BTreeSet::new();
    for line in lines() {
        let frame: protocol::door::ToModule =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        drop(frame);
        let value: Value = serde_json::from_str(&line).expect("JSON");
        seen.insert(value["type"].as_str().expect("a type").to_owned());
    }
    for kind in [
        "install",
        "init",
        "deps_ready",
        "service_available",
        "ping",
        "deliver",
        "config:update",
        "call",
        "call:response",
        "rpc_request",
        "rpc_response",
        "shutdown",
        "cancel",
        "progress",
        "chunk",
        "end",
        "credit",
    ] {
        assert!(seen.contains(kind), "no vector for {kind}");
    }
}

#[test]
fn every_message_in_the_vectors_is_dealt_with_by_a_running_module() {
    let module = Module::new().service("echo", |call| Ok(call.raw_params().clone())).on("t", |_| Ok(()));
    let mut kernel = FakeKernel::ready(module);
    for line in lines().into_iter().filter(|line| !line.contains("\"type\":\"shutdown\"")) {
        kernel.send_raw(line.as_bytes());
        kernel.send_raw(b"\n");
    }
    assert_eq!(kernel.request("echo", "last", json!("last"))["result"], json!("last"));
    kernel.expect(&json!({"type": "pong"}));
    kernel.expect(&json!({"type": "ack"}));
    kernel.send(json!({"type": "shutdown"}));
    assert_eq!(kernel.wait().0, Outcome::Finished);
}
