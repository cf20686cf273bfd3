//! Messages between modules and with operators: topics, subscriptions, events.

use serde_json::json;

use crate::kernel::{Kernel, python};

const HEARER: &str = "for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready')\n\
    \x20   if f['type']=='deliver': say(type='log', level='info', msg='heard '+f['topic']+' '+json.dumps(f['payload']))\n";

#[test]
fn what_an_operator_publishes_reaches_whoever_listens() {
    let mut kernel = Kernel::home(
        "modules:\n  a: {run: [python3, m.py], protocol: lines, subscribes: [news]}\n\
         \x20 b: {run: [python3, m.py], protocol: lines, subscribes: [other]}\n",
    );
    kernel.file("m.py", &python(HEARER));
    kernel.start();
    kernel.settle();
    let data = kernel.data(json!({ "cmd": "publish", "topic": "news", "payload": { "n": [1, null] } }));
    assert_eq!(data["receivers"], 1);
    kernel.wait_for_log("a", r#"heard news {"n": [1, null]}"#);
    assert!(kernel.logged("b", "heard").is_empty());
    let refused = kernel.ask(json!({ "cmd": "publish", "topic": "system:x", "payload": 1 }));
    assert_eq!(refused["code"], "kernel::order::denied");
}

#[test]
fn an_operator_hears_topics_and_the_life_cycle() {
    let mut kernel = Kernel::home(
        "modules:\n  a: {run: sleep 1000}\n  p: {run: [python3, p.py], protocol: lines, publishes: [out]}\n",
    );
    let body = "for f in frames():\n\
        \x20   if f['type']=='init': say(type='ready')\n\
        \x20   if f['type']=='deps_ready': say(type='publish', topic='out', payload={'deep': [1, 2.50]})\n";
    kernel.file("p.py", &python(body));
    kernel.start();
    let mut door = kernel.door();
    let answer = door.ask(json!({ "cmd": "subscribe", "topics": ["out", "system:module:*"] }));
    assert_eq!(answer["ok"], true);
    kernel.data(json!({ "cmd": "module.restart", "moduleId": "p" }));
    loop {
        let message = door.event("message");
        if message["topic"] == "out" {
            assert_eq!(message["payload"], json!({ "deep": [1, 2.5] }));
            break;
        }
    }
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "a" }));
    loop {
        let message = door.event("message");
        if message["topic"] == "system:module:stopped" && message["payload"]["moduleId"] == "a" {
            assert_eq!(message["payload"]["reason"], "requested");
            break;
        }
    }
}

#[test]
fn decisions_are_heard_as_they_are_made() {
    let kernel = Kernel::settled("modules:\n  a: {run: sleep 1000}\n");
    let mut door = kernel.door();
    door.ask(json!({ "cmd": "events" }));
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "a" }));
    let codes: Vec<_> = (0..3).map(|_| door.event("record")["code"].clone()).collect();
    assert_eq!(codes, ["order.stop", "module.stopping", "module.stopped"]);
}

#[test]
fn followed_logs_have_no_gap_and_no_double() {
    let kernel = Kernel::settled(
        "modules:\n  count: {run: 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done; exec sleep 1000'}\n",
    );
    let mut door = kernel.door();
    let page = door.ask(json!({ "cmd": "logs", "modules": ["count"], "lines": 10000, "follow": true }));
    let number = |line: &serde_json::Value| {
        line["msg"].as_str().and_then(|msg| msg.strip_prefix("line ")).and_then(|n| n.parse::<u32>().ok())
    };
    let mut seen: Vec<u32> =
        page["data"]["lines"].as_array().expect("lines").iter().filter_map(number).collect();
    while seen.last() != Some(&3000) {
        seen.extend(number(&door.event("log")));
    }
    assert_eq!(seen, (1..=3000).collect::<Vec<_>>());
}

#[test]
fn usage_comes_again_and_again_and_tells_shares() {
    let kernel = Kernel::settled("modules:\n  busy: {run: 'while :; do :; done'}\n");
    let mut door = kernel.door();
    assert_eq!(door.ask(json!({ "cmd": "usage", "intervalMs": 10 }))["code"], "host::door::bad_request");
    assert_eq!(door.ask(json!({ "cmd": "usage", "intervalMs": 200 }))["ok"], true);
    let first = door.event("usage");
    assert!(first["modules"][0]["cpuPercent"].is_null());
    let busy =
        (0..20).any(|_| door.event("usage")["modules"][0]["cpuPercent"].as_f64().expect("a share") > 5.0);
    assert!(busy, "an endless loop uses the processor");
}
