//! Serving calls and messages.

use std::time::Duration;

use sdk::{Call, Failure, Handlers, LogLevel, Module, Value, json};

use crate::fake_kernel::FakeKernel;

fn serve(call: Call) -> Result<Value, Failure> {
    match call.method() {
        "same" => Ok(call.raw_params().clone()),
        "add" => {
            let (a, b): (i64, i64) = call.params()?;
            Ok(json!(a + b))
        }
        "who" => Ok(json!([call.from(), call.service()])),
        "panic" => panic!("on purpose"),
        "big" => Ok(json!("x".repeat(2 << 20))),
        "left" => Ok(json!(call.remaining().map(|left| left.as_millis() as u64))),
        "hold" => {
            call.handle().log(LogLevel::Info, "holding")?;
            let cancelled = call.wait_cancelled(Duration::from_secs(20));
            call.handle().log_with(LogLevel::Info, "held", json!(cancelled))?;
            Ok(json!("too late"))
        }
        "report" => {
            call.progress(Some(0.5), Some("half"))?;
            Ok(json!("done"))
        }
        "count" => {
            for n in 0..call.params()? {
                call.emit(json!(n))?;
            }
            Ok(json!("counted"))
        }
        other => Err(Failure::new(format!("Unknown method: {other}"))),
    }
}

fn module() -> Module {
    Module::new().service("s", serve)
}

#[test]
fn every_outcome_of_a_handler_is_one_answer() {
    for handlers in [Handlers::Inline, Handlers::Threads(1), Handlers::Threads(4)] {
        let mut kernel = FakeKernel::ready(module().handlers(handlers));
        let mut error = |service: &str, method: &str, params: Value| {
            kernel.request(service, method, params)["error"].as_str().unwrap_or("no error").to_owned()
        };
        assert_eq!(error("s", "nothing", json!(null)), "Unknown method: nothing");
        assert_eq!(error("other", "same", json!(null)), "service_not_found");
        assert_eq!(error("s", "panic", json!(null)), "the handler panicked");
        assert_eq!(
            error("s", "big", json!(null)),
            "bad result: a line of 2097202 bytes exceeds the limit of 1048576"
        );
        let bad = error("s", "add", json!(["a", 1]));
        assert!(bad.starts_with("bad params: invalid type"), "{bad}");
        assert_eq!(kernel.request("s", "add", json!([1, 2]))["result"], json!(3));
        assert_eq!(kernel.request("s", "who", json!(null))["result"], json!(["caller", "s"]));
        assert_eq!(kernel.hang_up().1.len(), 0, "nothing was answered twice");
    }
}

#[test]
fn a_null_result_is_sent_as_null() {
    let answer = FakeKernel::ready(module()).request("s", "same", json!(null));
    assert_eq!(answer, json!({"type": "rpc_response", "id": "request", "result": null}));
}

#[test]
fn cancel_is_answered_at_once_and_the_handler_sees_it() {
    let mut kernel = FakeKernel::ready(module());
    kernel.ask("a", "s", "hold", json!(null));
    kernel.expect(&json!({"msg": "holding"}));
    kernel.send(json!({"type": "cancel", "id": "a"}));
    kernel.expect(&json!({"type": "rpc_response", "id": "a", "error": "cancelled"}));
    kernel.expect(&json!({"msg": "held", "data": true}));
    kernel.send(json!({"type": "cancel", "id": "a"}));
    assert_eq!(kernel.hang_up().1, Vec::<Value>::new(), "one answer only");
}

#[test]
fn a_handler_sees_its_deadline() {
    let mut kernel = FakeKernel::ready(module());
    let ask = |method: &str, deadline_ms: u64| {
        json!({"type": "rpc_request", "id": "d", "from": "c", "service": "s", "method": method,
               "deadline_ms": deadline_ms})
    };
    kernel.send(ask("left", 60_000));
    let left = kernel.expect(&json!({"id": "d"}))["result"].as_u64().expect("a number");
    assert!((1..=60_000).contains(&left), "{left}");
    kernel.send(ask("left", 0));
    assert_eq!(kernel.expect(&json!({"id": "d"}))["error"], json!("deadline_exceeded"));
    kernel.send(ask("hold", 10));
    kernel.expect(&json!({"msg": "held", "data": true}));
    assert_eq!(kernel.request("s", "left", json!(null))["result"], json!(null));
}

#[test]
fn progress_goes_out_before_the_answer() {
    let mut kernel = FakeKernel::ready(module());
    kernel.ask("p", "s", "report", json!(null));
    let first = kernel.expect(&json!({"id": "p"}));
    assert_eq!(first, json!({"type": "progress", "id": "p", "fraction": 0.5, "msg": "half"}));
    assert_eq!(kernel.expect(&json!({"id": "p"}))["result"], json!("done"));
}

#[test]
fn a_stream_stays_within_its_credit() {
    let mut kernel = FakeKernel::ready(module().handlers(Handlers::Threads(2)));
    kernel.ask("c", "s", "count", json!(20));
    for seq in 0..16 {
        let chunk = kernel.expect(&json!({"id": "c"}));
        assert_eq!(chunk, json!({"type": "chunk", "id": "c", "seq": seq, "data": seq}));
    }
    kernel.send(json!({"type": "credit", "id": "c", "n": 3}));
    for seq in 16..19 {
        kernel.expect(&json!({"type": "chunk", "seq": seq}));
    }
    kernel.request("s", "same", json!(1));
    kernel.send(json!({"type": "credit", "id": "c", "n": 1}));
    let kinds: Vec<_> = (0..3).map(|_| kernel.expect(&json!({"id": "c"}))["type"].clone()).collect();
    assert_eq!(kinds, vec![json!("chunk"), json!("end"), json!("rpc_response")]);
}

#[test]
fn cancel_ends_a_stream_that_waits_for_credit() {
    let mut kernel = FakeKernel::ready(module());
    kernel.ask("c", "s", "count", json!(1000));
    kernel.expect(&json!({"type": "chunk", "seq": 15}));
    kernel.send(json!({"type": "cancel", "id": "c"}));
    kernel.expect(&json!({"type": "rpc_response", "id": "c", "error": "cancelled"}));
    let (_, said) = kernel.hang_up();
    assert!(said.iter().all(|frame| frame["type"] == json!("chunk")), "{said:?}");
}

#[test]
fn a_stream_on_the_reading_thread_is_one_window_long() {
    let mut kernel = FakeKernel::ready(module().handlers(Handlers::Inline));
    assert_eq!(kernel.request("s", "count", json!(16))["result"], json!("counted"));
    assert_eq!(
        kernel.request("s", "count", json!(17))["error"],
        json!("the caller does not read the stream")
    );
}

#[test]
fn messages_come_in_order_and_are_acknowledged() {
    let listening = Module::new().on("news", |message| {
        let number: u64 = message.payload()?;
        message.handle().log_with(LogLevel::Info, message.topic(), json!(number))?;
        Ok(())
    });
    let mut kernel = FakeKernel::ready(listening.handlers(Handlers::Threads(3)));
    for number in 0..50 {
        kernel.send(json!({"type": "deliver", "id": number.to_string(), "topic": "news", "payload": number}));
    }
    kernel.send(json!({"type": "deliver", "id": "bad", "topic": "news", "payload": "text"}));
    let nack = kernel.expect(&json!({"type": "nack", "id": "bad"}));
    assert!(nack["error"].as_str().expect("a text").starts_with("bad payload: invalid type"), "{nack}");
    for number in 0..50 {
        assert_eq!(kernel.expect(&json!({"type": "log"}))["data"], json!(number));
        assert_eq!(kernel.expect(&json!({"type": "ack"}))["id"], json!(number.to_string()));
    }
}

#[test]
fn the_call_past_the_queue_is_answered_overloaded() {
    let mut kernel = FakeKernel::ready(module());
    kernel.ask("busy", "s", "hold", json!(null));
    kernel.expect(&json!({"msg": "holding"}));
    for number in 0..=sdk::limits::CALLS_QUEUED_MAX {
        kernel.ask(&number.to_string(), "s", "same", json!(null));
    }
    let last = sdk::limits::CALLS_QUEUED_MAX.to_string();
    kernel.expect(&json!({"type": "rpc_response", "id": last, "error": "overloaded"}));
    kernel.send(json!({"type": "cancel", "id": "busy"}));
    let answer = kernel.expect(&json!({"type": "rpc_response", "id": "0"}));
    assert_eq!(answer["result"], json!(null));
}
