//! How a typed command becomes a module, and how its end becomes an exit code.

use serde_json::json;

use super::*;
use crate::samples::row;

fn args(command: &[&str]) -> RunArgs {
    RunArgs {
        name: None,
        detach: false,
        env: Vec::new(),
        cwd: None,
        restart: None,
        ready: None,
        needs: Vec::new(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
    }
}

fn module(args: &RunArgs) -> Value {
    match request(args) {
        Ok(Request::ModuleRun { module, .. }) => module,
        other => panic!("not a run: {other:?}"),
    }
}

#[test]
fn a_command_in_front_runs_once_and_one_behind_is_kept_alive() {
    assert_eq!(module(&args(&["ls", "-l"])), json!({ "run": ["ls", "-l"], "restart": "never" }));
    assert_eq!(module(&RunArgs { detach: true, ..args(&["ls"]) })["restart"], "always");
    assert_eq!(
        module(&RunArgs { restart: Some("on-failure".to_owned()), ..args(&["ls"]) })["restart"],
        "on-failure"
    );
}

#[test]
fn everything_typed_reaches_the_module() {
    let typed = RunArgs {
        env: vec!["A=1=2".to_owned()],
        cwd: Some("sub".to_owned()),
        ready: Some("tcp:8080".to_owned()),
        needs: vec!["db".to_owned()],
        ..args(&["x"])
    };
    let expected = json!({
        "run": ["x"], "restart": "never", "cwd": "sub", "env": { "A": "1=2" }, "needs": ["db"],
        "ready": { "tcp": "8080" },
    });
    assert_eq!(module(&typed), expected);
    assert_eq!(probe("notify"), json!("notify"));
}

#[test]
fn a_variable_without_a_value_is_refused_without_repeating_it() {
    let typed = RunArgs { env: vec!["SECRET".to_owned()], ..args(&["x"]) };
    match request(&typed) {
        Err(Stopped::Failed(failure)) => assert!(!failure.message.contains("SECRET")),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn ends_become_the_exit_codes_of_a_shell() {
    let code = |code: &str, how: &str| exit_code(&row(1, code, "x", &[("exit", json!(how))]));
    assert_eq!(code("module.exited", "left with exit code 3"), Some(3));
    assert_eq!(code("module.completed", "exit code 0"), Some(0));
    assert_eq!(code("module.exited", "signal 9"), Some(137));
    assert_eq!(code("module.spawn_failed", ""), Some(127));
    assert_eq!(code("module.ready", ""), None);
}
