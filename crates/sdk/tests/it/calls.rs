//! Calling others: other modules, and the kernel.

use std::time::Duration;

use sdk::{Call, CallError, Failure, Handlers, LogItem, LogLevel, Module, Part, Value, json};

use crate::fake_kernel::FakeKernel;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn relay(call: Call) -> Result<Value, Failure> {
    let handle = call.handle();
    match call.method() {
        "call" => Ok(handle.call("other", "thing", call.raw_params().clone())?),
        "kind" => Ok(match handle.call("other", "thing", Value::Null) {
            Ok(_) => json!("ok"),
            Err(CallError::Answered(error)) => json!({ "answered": error }),
            Err(other) => json!(other.to_string()),
        }),
        "short" => {
            let error = handle.with_limit(Duration::from_millis(20)).call("other", "thing", Value::Null);
            Ok(json!(error.map_err(|error| error.to_string())))
        }
        "kernel" => Ok(handle.kernel("config.get", json!({"key": "a"}))?),
        "drop" => {
            drop(handle.start("other", "thing", Value::Null)?);
            Ok(json!("dropped"))
        }
        "parts" => {
            let mut ongoing = handle.start("other", "pieces", Value::Null)?;
            let mut parts = Vec::new();
            while let Some(part) = ongoing.next_part() {
                parts.push(match part {
                    Part::Progress { fraction, msg } => json!([fraction, msg]),
                    Part::Chunk(data) => data,
                    Part::Answer(answer) => answer?,
                });
            }
            Ok(json!(parts))
        }
        "publish" => {
            let topic: String = call.params()?;
            handle.publish(&topic, json!(1))?;
            Ok(Value::Null)
        }
        "group" => {
            let items = vec![LogItem { msg: "leaf".to_owned(), data: None }];
            handle.log_group(LogLevel::Warn, "tree", items)?;
            Ok(Value::Null)
        }
        other => Err(Failure::new(other)),
    }
}

fn module() -> Module {
    Module::new().service("relay", relay)
}

/// Makes the module call out; gives the id of the call that came out.
fn ask_out(kernel: &mut FakeKernel, method: &str) -> Value {
    kernel.ask("outer", "relay", method, Value::Null);
    kernel.expect(&json!({"type": "rpc_request"}))["id"].clone()
}

fn outer(kernel: &mut FakeKernel) -> Value {
    kernel.expect(&json!({"type": "rpc_response", "id": "outer"}))
}

#[test]
fn a_result_comes_back() {
    let mut kernel = FakeKernel::ready(module());
    kernel.ask("outer", "relay", "call", json!([1]));
    let frame = kernel.expect(&json!({"type": "rpc_request"}));
    let expected = json!({"type": "rpc_request", "id": frame["id"], "service": "other", "method": "thing",
                          "params": [1]});
    assert_eq!(frame, expected);
    kernel.send(json!({"type": "call:response", "id": frame["id"], "result": "the wrong kind"}));
    kernel.send(json!({"type": "rpc_response", "id": "unknown", "result": "for nobody"}));
    kernel.send(json!({"type": "rpc_response", "id": frame["id"], "result": {"x": 1}}));
    kernel.send(json!({"type": "rpc_response", "id": frame["id"], "result": "again"}));
    assert_eq!(outer(&mut kernel)["result"], json!({"x": 1}));
}

#[test]
fn errors_have_their_kind() {
    let mut kernel = FakeKernel::ready(module());
    let cases = [
        ("forbidden", json!({"answered": "forbidden"})),
        ("timeout", json!("timeout")),
        ("cancelled", json!("cancelled")),
    ];
    for (error, seen) in cases {
        let id = ask_out(&mut kernel, "kind");
        kernel.send(json!({"type": "rpc_response", "id": id, "error": error}));
        assert_eq!(outer(&mut kernel)["result"], seen);
    }
}

#[test]
fn a_limit_is_sent_along_and_then_cancels() {
    let mut kernel = FakeKernel::ready(module());
    kernel.ask("outer", "relay", "short", Value::Null);
    let frame = kernel.expect(&json!({"type": "rpc_request"}));
    assert!((1..=20).contains(&frame["deadline_ms"].as_u64().expect("a number")), "{frame}");
    kernel.expect(&json!({"type": "cancel", "id": frame["id"]}));
    assert_eq!(outer(&mut kernel)["result"], json!({"Err": "timeout"}));
}

#[test]
fn dropping_a_call_cancels_it() {
    let mut kernel = FakeKernel::ready(module());
    let id = ask_out(&mut kernel, "drop");
    kernel.expect(&json!({"type": "cancel", "id": id}));
    assert_eq!(outer(&mut kernel)["result"], json!("dropped"));
}

#[test]
fn parts_come_in_order_and_credit_is_granted() {
    let mut kernel = FakeKernel::ready(module());
    let id = ask_out(&mut kernel, "parts");
    kernel.send(json!({"type": "progress", "id": id, "fraction": 0.25, "msg": "quarter"}));
    for seq in 0..8 {
        kernel.send(json!({"type": "chunk", "id": id, "seq": seq, "data": seq}));
    }
    kernel.expect(&json!({"type": "credit", "id": id, "n": 8}));
    kernel.send(json!({"type": "end", "id": id}));
    kernel.send(json!({"type": "rpc_response", "id": id, "result": "sum"}));
    assert_eq!(outer(&mut kernel)["result"], json!([[0.25, "quarter"], 0, 1, 2, 3, 4, 5, 6, 7, "sum"]));
}

#[test]
fn a_sender_that_ignores_its_credit_loses_the_call() {
    let held = Module::new().service("relay", |call| {
        let mut ongoing = call.handle().start("other", "pieces", Value::Null)?;
        call.wait_cancelled(Duration::from_millis(call.params()?));
        while let Some(part) = ongoing.next_part() {
            if let Part::Answer(answer) = part {
                return Ok(answer?);
            }
        }
        Ok(Value::Null)
    });
    let mut kernel = FakeKernel::ready(held);
    kernel.ask("outer", "relay", "hold", json!(200));
    let id = kernel.expect(&json!({"type": "rpc_request"}))["id"].clone();
    for seq in 0..10_000 {
        kernel.send(json!({"type": "chunk", "id": id, "seq": seq, "data": "x"}));
    }
    kernel.expect(&json!({"type": "cancel", "id": id}));
    assert_eq!(outer(&mut kernel)["error"], json!("stream overrun"));
}

#[test]
fn trace_and_deadline_are_handed_on() {
    let mut kernel = FakeKernel::ready(module());
    kernel.send(
        json!({"type": "rpc_request", "id": "outer", "from": "c", "service": "relay", "method": "call",
                       "traceparent": TRACE, "deadline_ms": 30_000}),
    );
    let frame = kernel.expect(&json!({"type": "rpc_request"}));
    let sent = frame["traceparent"].as_str().expect("a text").split('-').collect::<Vec<_>>();
    let came = TRACE.split('-').collect::<Vec<_>>();
    assert_eq!((sent[0], sent[1], sent[3]), (came[0], came[1], came[3]));
    assert_eq!(sent[2].len(), 16);
    assert_ne!(sent[2], came[2]);
    assert!((1..=30_000).contains(&frame["deadline_ms"].as_u64().expect("a number")), "{frame}");
}

#[test]
fn the_kernel_api_has_answers_of_its_own() {
    let mut kernel = FakeKernel::ready(module());
    kernel.ask("outer", "relay", "kernel", Value::Null);
    let frame = kernel.expect(&json!({"type": "call"}));
    assert_eq!(
        frame,
        json!({"type": "call", "id": frame["id"], "method": "config.get", "params": {"key": "a"}})
    );
    kernel.send(json!({"type": "call:response", "id": frame["id"], "result": 5}));
    assert_eq!(outer(&mut kernel)["result"], json!(5));
}

#[test]
fn a_name_over_256_units_is_refused_here() {
    let mut kernel = FakeKernel::ready(module());
    assert_eq!(kernel.request("relay", "publish", json!("t".repeat(256)))["error"], Value::Null);
    kernel.expect(&json!({"type": "publish", "payload": 1}));
    let error = kernel.request("relay", "publish", json!("\u{1f600}".repeat(129)))["error"].clone();
    assert_eq!(error, json!("topic exceeds 256 chars (258)"));
}

#[test]
fn a_log_group_has_items() {
    let mut kernel = FakeKernel::ready(module());
    kernel.request("relay", "group", Value::Null);
    let group = kernel.expect(&json!({"type": "log-group"}));
    assert_eq!(
        group,
        json!({"type": "log-group", "level": "warn", "msg": "tree", "items": [{"msg": "leaf"}]})
    );
}

#[test]
fn a_handler_on_the_reading_thread_is_told_that_it_cannot_wait() {
    let mut kernel = FakeKernel::ready(module().handlers(Handlers::Inline));
    let id = ask_out(&mut kernel, "call");
    kernel.expect(&json!({"type": "cancel", "id": id}));
    let error = outer(&mut kernel)["error"].as_str().expect("a text").to_owned();
    assert!(error.contains("cannot wait"), "{error}");
}

#[test]
fn waiting_calls_end_when_the_pipe_ends() {
    let mut kernel = FakeKernel::ready(module());
    ask_out(&mut kernel, "call");
    let (_, said) = kernel.hang_up();
    let expected = json!({"type": "rpc_response", "id": "outer", "error": "shutting down"});
    assert_eq!(said, vec![expected]);
}
