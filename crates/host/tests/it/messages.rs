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

#[test]
fn one_stream_carries_several_kinds_and_goes_on_where_it_broke_off() {
    let kernel = Kernel::settled(
        "modules:\n  a: {run: 'while read l; do echo $l; done; sleep 1000'}\n  b: {run: sleep 1000}\n",
    );
    let mut door = kernel.door();
    let wanted = json!({ "cmd": "events", "topics": ["records", "logs", "usage"], "intervalMs": 100, "hear": ["news"] });
    let begun = door.ask(wanted);
    let begin = begun["data"]["id"].as_str().expect("an id").to_owned();
    kernel.data(json!({ "cmd": "publish", "topic": "news", "payload": 7 }));
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "b" }));
    let mut kinds = std::collections::BTreeSet::new();
    let mut last = String::new();
    while kinds.len() < 3 || !last.ends_with("stopped") {
        let line = door.next().expect("an event");
        let kind = line["event"].as_str().expect("a kind").to_owned();
        // What is numbered can be resumed with, and the rest has no number.
        assert_eq!(line["id"].is_string(), matches!(kind.as_str(), "record" | "log"), "{line}");
        if kind == "record" {
            last = line["data"]["code"].as_str().expect("a code").to_owned();
        }
        kinds.insert(kind);
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["message", "record", "usage"]);
    drop(door);
    kernel.data(json!({ "cmd": "module.start", "moduleId": "b" }));
    let mut again = kernel.door();
    again.ask(
        json!({ "cmd": "events", "since": begin, "modules": ["b"], "codes": ["module.", "order.stop"] }),
    );
    let codes: Vec<_> = (0..4).map(|_| again.event("record")["code"].clone()).collect();
    assert_eq!(codes, ["order.stop", "module.stopping", "module.stopped", "module.starting"]);
}

#[test]
fn a_place_that_is_gone_is_told_and_what_is_none_is_refused() {
    let mut kernel = Kernel::settled("modules:\n  a: {run: sleep 1000}\n");
    let mut door = kernel.door();
    let earlier = door.ask(json!({ "cmd": "events" }))["data"]["id"].as_str().expect("an id").to_owned();
    drop(door);
    kernel.signal(rustix::process::Signal::TERM);
    kernel.wait();
    kernel.start();
    kernel.settle();
    let mut door = kernel.door();
    let begun = door.ask(json!({ "cmd": "events", "since": earlier }));
    assert_ne!(begun["data"]["id"].as_str().expect("an id").split('-').next(), earlier.split('-').next());
    let gone = door.event("gone");
    assert_eq!(gone, json!({ "since": earlier, "reason": "other_epoch" }));
    // What this kernel decided from its beginning on follows, although nobody was there.
    assert_eq!(door.event("record")["code"], "kernel.started");
    for wrong in ["yesterday", "-1", ""] {
        let refused = kernel.ask(json!({ "cmd": "events", "since": wrong }));
        assert_eq!(refused["code"], "host::door::bad_request", "{wrong}");
    }
}

#[test]
fn another_stream_on_a_connection_takes_the_place_of_the_first() {
    let kernel = Kernel::settled("modules:\n  a: {run: sleep 1000}\n  b: {run: sleep 1000}\n");
    let mut door = kernel.door();
    door.ask(json!({ "cmd": "events", "topics": ["usage"], "intervalMs": 100, "hear": ["news"] }));
    door.send(&format!("{}\n", json!({ "cmd": "events", "modules": ["b"] })));
    while door.next().expect("a line").get("ok").is_none() {}
    kernel.data(json!({ "cmd": "publish", "topic": "news", "payload": 7 }));
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "a" }));
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "b" }));
    loop {
        let line = door.next().expect("an event");
        assert_eq!((&line["event"], &line["data"]["moduleId"]), (&json!("record"), &json!("b")), "{line}");
        if line["data"]["code"] == "module.stopped" {
            break;
        }
    }
}
