//! The operator door itself: older tools' requests, wrong ones, many and rude operators, plans.

use serde_json::json;

use crate::kernel::{Kernel, eventually};

#[test]
fn an_older_tools_requests_are_answered_in_the_contracts_words() {
    let kernel = Kernel::settled("modules:\n  web: {run: sleep 1000}\n");
    let mut door = kernel.door();
    let error = |answer: serde_json::Value| {
        assert_eq!(answer["ok"], false);
        answer["error"].as_str().expect("a text").to_owned()
    };
    door.send("this is not JSON\n");
    assert_eq!(error(door.next().expect("an answer")), "Invalid JSON");
    assert_eq!(error(door.ask(json!({ "cmd": "fly" }))), "Unknown command: fly");
    assert_eq!(error(door.ask(json!({ "cmd": "module.status" }))), "moduleId is required");
    assert_eq!(
        error(door.ask(json!({ "cmd": "module.restart", "moduleId": "no" }))),
        "Module \"no\" not found"
    );
    assert_eq!(error(door.ask(json!({ "cmd": "module.install" }))), "moduleDir is required");
    let missing = door.ask(json!({ "cmd": "module.install", "moduleDir": "/no/dir" }));
    assert_eq!(error(missing), "Module directory not found: /no/dir");
    let list = door.ask(json!({ "cmd": "module.list" }));
    assert_eq!(list["data"][0]["id"], "web");
    let status = door.ask(json!({ "cmd": "module.status", "moduleId": "web" }));
    for field in ["id", "status", "pid", "provides", "restartCount", "startedAt"] {
        assert!(status["data"].get(field).is_some(), "{field}");
    }
}

#[test]
fn half_a_request_and_a_hang_up_disturb_nobody() {
    let kernel = Kernel::settled("modules: {}\n");
    for _ in 0..200 {
        let mut door = kernel.door();
        door.send("{\"cmd\":\"kernel.sta");
    }
    eventually("there is room for others", || has_room(&kernel));
    assert_eq!(kernel.data(json!({ "cmd": "kernel.status" }))["troubles"], json!([]));
}

/// Whether one more operator is answered.
fn has_room(kernel: &Kernel) -> bool {
    kernel.door().try_ask(&json!({ "cmd": "module.list" })).is_some_and(|answer| answer["ok"] == true)
}

#[test]
fn a_request_in_pieces_and_two_in_one_are_both_answered() {
    let kernel = Kernel::settled("modules: {}\n");
    let mut door = kernel.door();
    door.send("{\"cmd\":\"module");
    door.send(".list\"}\n{\"cmd\":\"module.list\"}\n");
    assert_eq!(door.next().expect("an answer")["ok"], true);
    assert_eq!(door.next().expect("an answer")["ok"], true);
}

#[test]
fn a_request_longer_than_the_bound_is_refused_and_the_next_one_is_answered() {
    let kernel = Kernel::settled("modules: {}\n");
    let mut door = kernel.door();
    door.send(&format!("{{\"cmd\":\"{}\"}}\n", "x".repeat(5 << 20)));
    assert_eq!(door.next().expect("an answer")["code"], "host::door::too_long");
    assert_eq!(door.ask(json!({ "cmd": "module.list" }))["ok"], true);
}

#[test]
fn one_operator_too_many_is_told_so_and_there_is_room_again_later() {
    let kernel = Kernel::settled("modules: {}\n");
    let mut doors: Vec<_> = (0..64).map(|_| kernel.door()).collect();
    for door in &mut doors {
        assert_eq!(door.ask(json!({ "cmd": "module.list" }))["ok"], true);
    }
    assert_eq!(kernel.door().next().expect("a word")["code"], "host::door::too_many");
    drop(doors);
    eventually("there is room", || has_room(&kernel));
}

#[test]
fn whoever_hangs_up_is_not_waited_for() {
    let kernel = Kernel::with("modules:\n  slow: {run: sleep 1000, ready: {log: never}}\n");
    for _ in 0..70 {
        let mut door = kernel.door();
        door.send("{\"cmd\":\"kernel.settle\"}\n");
    }
    eventually("their places are free", || has_room(&kernel));
}

#[test]
fn an_operator_that_does_not_read_loses_events_and_not_the_kernel() {
    let kernel = Kernel::settled("modules:\n  noisy: {run: 'while :; do echo noise; done'}\n");
    let mut deaf = kernel.door();
    deaf.ask(json!({ "cmd": "logs", "follow": true, "lines": 1 }));
    for _ in 0..50 {
        kernel.data(json!({ "cmd": "module.list" }));
    }
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "noisy" }));
    assert!(deaf.event("lost").as_u64().expect("a count") > 0);
}

#[test]
fn a_plan_tells_what_would_happen_and_nothing_happens() {
    let kernel = Kernel::settled("modules:\n  a: {run: sleep 1000}\n  b: {run: sleep 1000}\n");
    let codes = |request: serde_json::Value| {
        let plan = kernel.data(request);
        let steps = plan["steps"].as_array().expect("steps").clone();
        steps.iter().map(|step| step["code"].as_str().expect("a code").to_owned()).collect::<Vec<_>>()
    };
    let pid = kernel.module_pid("a");
    let stop = codes(json!({ "cmd": "module.stop", "moduleId": "a", "dryRun": true }));
    assert_eq!(stop, ["order.stop", "module.stopping"]);
    let down = codes(json!({ "cmd": "kernel.stop", "dryRun": true }));
    assert_eq!(down, ["order.shutdown", "shutdown.begun", "module.stopping", "module.stopping"]);
    kernel.file("ostoja.yaml", "modules:\n  a: {run: sleep 1001}\n  c: {run: sleep 1000}\n");
    let reload = codes(json!({ "cmd": "kernel.reload", "what": "modules", "dryRun": true }));
    for code in ["module.changed", "module.gone", "module.starting"] {
        assert!(reload.contains(&code.to_owned()), "{code} in {reload:?}");
    }
    assert_eq!(kernel.module_pid("a"), pid);
    assert_eq!(kernel.ask(json!({ "cmd": "module.status", "moduleId": "c" }))["ok"], false);
}

#[test]
fn a_command_is_run_by_hand_and_removed() {
    let kernel = Kernel::settled("modules: {}\n");
    let cwd = kernel.path().to_string_lossy().into_owned();
    let run = |id: Option<&str>, module: serde_json::Value| {
        kernel.ask(json!({ "cmd": "module.run", "moduleId": id, "module": module, "cwd": cwd }))
    };
    let answer = run(None, json!({ "run": ["sleep", "1000"] }));
    assert_eq!(answer["data"]["status"]["id"], "sleep");
    assert_eq!(run(None, json!({ "run": "sleep 1000" }))["data"]["status"]["id"], "sleep-2");
    assert_eq!(run(Some("sleep"), json!({ "run": "sleep 1" }))["code"], "host::run::present");
    assert_eq!(run(None, json!({ "rum": "sleep 1" }))["ok"], false);
    kernel.wait_for_state("sleep", "ready");
    let pid = kernel.module_pid("sleep").expect("it runs");
    kernel.data(json!({ "cmd": "module.remove", "moduleId": "sleep" }));
    assert!(!crate::kernel::lives(pid));
    assert_eq!(
        kernel.ask(json!({ "cmd": "module.status", "moduleId": "sleep" }))["code"],
        "kernel::order::not_found"
    );
    kernel.data(json!({ "cmd": "kernel.reload" }));
    kernel.wait_for_state("sleep-2", "ready");
}
