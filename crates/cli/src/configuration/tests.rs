//! The configuration of a home as it holds.

use std::fs;

use expect_test::expect;

use serde_json::json;

use super::*;

fn home() -> (tempfile::TempDir, Target) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = Target::at(folder.path());
    (folder, target)
}

#[test]
fn an_empty_home_has_all_defaults() {
    let (_folder, target) = home();
    let entries = load(&target).expect("nothing can be wrong").entries();
    let shown: String =
        entries.iter().map(|entry| format!("{} = {} ({})\n", entry.key, entry.value, entry.origin)).collect();
    expect![[r#"
        lifecycle.healthIntervalMs = 30000 (default)
        lifecycle.healthMaxFailures = 3 (default)
        lifecycle.maxRestartBackoffMs = 60000 (default)
        lifecycle.maxRestarts = 5 (default)
        lifecycle.pingTimeoutMs = 10000 (default)
        lifecycle.readyTimeoutMs = 30000 (default)
        lifecycle.requiresTimeoutMs = 30000 (default)
        lifecycle.restartBaseMs = 1000 (default)
        lifecycle.rpcTimeoutMs = 30000 (default)
        lifecycle.shutdownGraceMs = 5000 (default)
        logging.level = "info" (default)
        machine.restarts_burst = 200 (default)
        machine.restarts_per_s = 50 (default)
        security.enforcementMode = "strict" (default)
        security.minimum = "none" (default)
        watchdog.mode = "active" (default)
    "#]]
    .assert_eq(&shown);
}

#[test]
fn later_files_count_and_a_change_is_laid_where_its_file_would_be() {
    let (folder, target) = home();
    fs::write(target.home.config(), "web:\n  port: 1\n  name: a\n").expect("it is ours");
    fs::create_dir(target.home.config_folder()).expect("it is ours");
    fs::write(target.home.config_folder().join("95-last.yaml"), "web: {port: 3}\n").expect("it is ours");
    let set = target.home.config_set();
    let config = load_with(&target, Some((&set, "web: {port: 2, name: b}\n"))).expect("all is right");
    assert_eq!(config.get("web.port"), Some(&json!(3)));
    assert_eq!(config.get("web.name"), Some(&json!("b")));
    drop(folder);
}

#[test]
fn a_broken_file_is_told_with_its_place() {
    let (_folder, target) = home();
    fs::write(target.home.config(), "web: [\n").expect("it is ours");
    match load(&target) {
        Err(crate::failure::Stopped::Failed(failure)) => {
            assert!(failure.message.contains("config.yaml:"), "{}", failure.message);
        }
        other => panic!("not refused: {other:?}"),
    }
}
