//! Zones with real processes: a module that moves to the stable zone by its conduct, and two buses with a bridge.

use serde_json::{Value, json};

use crate::kernel::{Kernel, eventually, python};

#[test]
fn a_module_that_is_well_for_long_enough_moves_to_the_stable_zone_and_stays_there() {
    let project = "zones: {promotion: probation, probationMs: 1000}\nmodules:\n  good: {run: sleep 1000, zone: sandbox}\n";
    let kernel = Kernel::with(project);
    eventually("it is promoted", || kernel.status("good")["zone"] == "stable");
    let codes = kernel.codes("good");
    let at = |code: &str| codes.iter().position(|found| found == code);
    assert!(at("zone.probation_passed").is_some(), "{codes:?}");
    assert!(at("zone.probation_passed") < at("zone.promoted"), "{codes:?}");
    eventually("that is kept", || {
        let kept = std::fs::read_to_string(kernel.path().join("permissions.yaml")).unwrap_or_default();
        kept.contains("zone: stable")
    });
    kernel.wait_for_state("good", "ready");
    assert_eq!(kernel.status("good")["probation"], Value::Null);
}

#[test]
fn who_is_on_probation_says_what_it_lacks() {
    let project = "zones: {promotion: probation}\nmodules:\n  good: {run: sleep 1000, zone: sandbox}\n  old: {run: sleep 1000}\n";
    let kernel = Kernel::with(project);
    kernel.wait_for_state("good", "ready");
    let status = kernel.status("good");
    assert_eq!((&status["zone"], &status["probation"]["wantedMs"]), (&json!("sandbox"), &json!(600_000)));
    assert!(
        status["probation"]["lacks"].as_str().is_some_and(|lacks| lacks.contains("of 600 s")),
        "{status}"
    );
    assert_eq!(kernel.status("old")["probation"], Value::Null);
}

/// Answers calls to its service.
const ECHO: &str = "\
for f in frames():
    if f['type']=='init': say(type='ready')
    if f['type']=='ping': say(type='pong')
    if f['type']=='rpc_request': say(type='rpc_response', id=f['id'], result=f.get('params'))
";

/// Calls `echo` of the other zone once it is ready, and says what came of it in its log.
const ASKER: &str = "\
for f in frames():
    if f['type']=='init': say(type='ready')
    if f['type']=='deps_ready': say(type='rpc_request', id='1', service='echo', method='m', params=7)
    if f['type']=='ping': say(type='pong')
    if f['type']=='rpc_response': say(type='log', level='info', msg='came: '+json.dumps(f.get('error', f.get('result'))))
";

#[test]
fn a_service_of_the_other_zone_is_there_by_a_bridge_alone() {
    let mut kernel = Kernel::home("");
    kernel.file("echo.py", &python(ECHO));
    kernel.file("asker.py", &python(ASKER));
    let entry = |name: &str, more: &str| {
        let policy = "protocol: lines, zone: sandbox, optional_requires: [echo], needs: [echo]";
        format!("  {name}: {{run: [python3, asker.py], {policy}, {more}}}\n")
    };
    let project = format!(
        "modules:\n  echo: {{run: [python3, echo.py], protocol: lines, provides: [echo]}}\n{}{}",
        entry("alone", "permissions: {read: [.]}"),
        entry("bridged", "permissions: {bridge: [echo], read: [.]}")
    );
    kernel.file("ostoja.yaml", &project);
    kernel.start();
    kernel.settle();
    kernel.wait_for_log("alone", "came: \"service_not_found\"");
    kernel.wait_for_log("bridged", "came: 7");
    assert!(!kernel.codes("alone").contains(&"rpc.forbidden".to_owned()), "it broke no rule");
}
