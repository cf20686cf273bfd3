//! With a real kernel in the background: starting, seeing, steering and stopping real modules.

use std::fs;
use std::path::Path;

use crate::kernel::{FAILING, Running, check_schema, is_alive, project};
use crate::runner::World;

#[test]
fn up_in_the_background_returns_when_all_is_ready_and_down_when_all_is_gone() {
    let (kernel, ran) = Running::start(&project(""), 0);
    assert!(ran.stderr.contains("[5/5] start"), "{}", ran.stderr);
    assert!(ran.stderr.contains("modules: 2"), "{}", ran.stderr);
    let table = kernel.run("ps").expect(0).stdout;
    assert!(table.contains("greeter  ● ready") && table.contains("ticker   ● ready"), "{table}");
    assert_eq!(kernel.run("call greeter hello name=Ola").expect(0).stdout, "Hello, Ola!\n");
    let again = kernel.run("up -d -f ostoja.yaml").expect(0);
    assert!(again.stderr.contains("the kernel runs already"), "{}", again.stderr);
    let status = kernel.data("status");
    let pid = status["kernel"]["pid"].as_u64().expect("a number");
    let mut pids: Vec<u64> = kernel.data("ps")["modules"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|module| module["pid"].as_u64())
        .collect();
    pids.push(pid);
    assert_eq!(pids.len(), 3);
    let downed = kernel.data("down");
    check_schema("down", &downed);
    assert_eq!(downed["wasRunning"], true);
    for pid in pids {
        assert!(!is_alive(pid), "process {pid} outlived `down`");
    }
    kernel.run("status").expect(3);
}

#[test]
fn up_names_the_module_that_fails_with_its_last_words_and_ends_with_3() {
    let (kernel, ran) = Running::start(&project(FAILING), 3);
    assert!(ran.stderr.contains("not ready: failing"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no port"), "{}", ran.stderr);
    assert!(ran.stderr.contains("why failing"), "{}", ran.stderr);
    let story = kernel.run("why failing").expect(0).stdout;
    assert!(story.contains("exit code 3") && story.contains("no port"), "{story}");
    assert!(kernel.run("why failing --lang pl").expect(0).stdout.contains("Co zrobić"));
    check_schema("why", &kernel.data("why failing"));
}

#[test]
fn a_second_kernel_on_the_same_home_is_refused() {
    let (kernel, _) = Running::start(&project(""), 0);
    let ran = kernel.run("up -f ostoja.yaml --json").expect(1);
    assert_eq!(ran.error_code(), "store::home::held");
    let ran = kernel.run("kernel start").expect(1);
    assert!(ran.stderr.contains("already runs on"), "{}", ran.stderr);
}

#[test]
fn a_project_file_that_is_wrong_is_told_by_the_one_who_waits() {
    let world = World::new();
    fs::write(world.path().join("ostoja.yaml"), "modules:\n  web: { rnu: x }\n").expect("it is ours");
    let ran = world.run("up -d -f ostoja.yaml").expect(1);
    assert!(ran.stderr.contains("ostoja.yaml:2:10: unknown field `rnu`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `run`?"), "{}", ran.stderr);
    let ran = world.run("up -d -f nowhere.yaml --json").expect(1);
    assert_eq!(ran.json()["ok"], false);
}

#[test]
fn modules_are_stopped_started_and_restarted() {
    let (kernel, _) = Running::start(&project(""), 0);
    let before = kernel.data("status ticker")["pid"].clone();
    let acted = kernel.data("restart ticker");
    check_schema("restart", &acted);
    let after = acted["modules"][0]["status"]["pid"].clone();
    assert!(before != after && after.is_u64(), "{before} {after}");
    kernel.run("stop ticker").expect(0);
    kernel.run("status ticker").expect(3);
    assert!(kernel.run("stop ticker").expect(0).stderr.contains("was so already"));
    kernel.run("start ticker").expect(0);
    kernel.run("status ticker").expect(0);
    let plan = kernel.data("restart greeter --dry-run");
    check_schema("--dry-run of any verb but config, service", &plan);
    assert!(!plan["steps"].as_array().expect("a list").is_empty());
    assert_eq!(kernel.run("start tickr --json").expect(4).json()["help"], "did you mean `ticker`?");
}

#[test]
fn logs_are_there_with_and_without_a_kernel() {
    let (kernel, _) = Running::start(&project(FAILING), 3);
    assert!(kernel.run("logs ticker --no-time").expect(0).stdout.contains("ticker │ started"));
    let page = kernel.data("logs failing --grep port");
    check_schema("logs", &page);
    assert_eq!(page["lines"][0]["msg"], "no port");
    kernel.run("logs zzz").expect(4);
    kernel.run("down").expect(0);
    assert!(kernel.run("logs --no-time").expect(0).stdout.contains("ticker  │ started"));
    check_schema("logs", &kernel.data("logs failing -n 1"));
    assert!(kernel.run("logs tickr --json").expect(4).json()["help"] == "did you mean `ticker`?");
    kernel.run("logs -f").expect(9);
}

#[test]
fn the_journal_is_read_and_verified_and_an_edit_is_found() {
    let (kernel, _) = Running::start(&project(FAILING), 3);
    kernel.run("down").expect(0);
    let page = kernel.data("audit -n 500");
    check_schema("audit", &page);
    let codes: Vec<&str> =
        page["records"].as_array().expect("a list").iter().filter_map(|row| row["code"].as_str()).collect();
    for code in ["kernel.started", "module.starting", "module.ready", "module.exited", "shutdown.done"] {
        assert!(codes.contains(&code), "{code} is not in {codes:?}");
    }
    let about = kernel.data("audit --module failing --code restart.");
    assert!(about["records"].as_array().expect("a list").iter().all(|row| row["moduleId"] == "failing"));
    let verdict = kernel.data("audit --verify");
    check_schema("audit --verify", &verdict);
    assert_eq!(verdict["sound"], true);
    assert!(kernel.run("audit").expect(0).stdout.lines().all(|line| line.chars().count() <= 80));
    spoil(&kernel.world.home().join("state/journal.db"));
    let ran = kernel.run("audit --verify").expect(7);
    assert!(ran.stderr.contains("broken at record"), "{}", ran.stderr);
    let verdict = kernel.run("audit --verify --json").expect(7).json()["data"].clone();
    check_schema("audit --verify", &verdict);
    assert_eq!(verdict["sound"], false);
}

#[test]
fn run_behind_returns_when_it_is_ready_and_uninstall_forgets_it() {
    let (kernel, _) = Running::start(&project(""), 0);
    let world = &kernel.world;
    let ran = world.run_words(&[
        "run",
        "-d",
        "--name",
        "extra",
        "--ready",
        "log:up",
        "--",
        "sh",
        "-c",
        "echo up; sleep 1000",
    ]);
    assert!(ran.expect(0).stderr.contains("extra runs"));
    kernel.run("status extra").expect(0);
    world.run_words(&["run", "-d", "--name", "extra", "--", "true"]).expect(1);
    kernel.run("module uninstall extra -y").expect(0);
    kernel.run("status extra").expect(4);
    world.run_words(&["run", "--restart", "sometimes", "--", "true"]).expect(1);
}

#[test]
fn the_kernel_verbs_start_restart_and_tell() {
    let world = World::new();
    let started = world.run("kernel start -d --json").expect(0).json()["data"].clone();
    check_schema("kernel start -d", &started);
    let restarted = world.run("kernel restart --json").expect(0).json()["data"].clone();
    check_schema("kernel restart", &restarted);
    assert_ne!(started["kernel"]["pid"], restarted["kernel"]["pid"]);
    check_schema("kernel status", &world.run("kernel status --json").expect(0).json()["data"]);
    let restored = world.run("kernel restore --dry-run --json").expect(0).json()["data"].clone();
    check_schema("kernel restore", &restored);
    check_schema("kernel logs", &world.run("kernel logs --json").expect(0).json()["data"]);
    let doctor = world.run("doctor --json");
    check_schema("doctor", &doctor.json()["data"]);
    check_schema("kernel stop", &world.run("kernel stop --json").expect(0).json()["data"]);
}

#[test]
fn the_configuration_of_a_running_kernel_is_taken_over() {
    let (kernel, _) = Running::start(&project(""), 0);
    let changed = kernel.data("config set lifecycle.maxRestarts 9");
    check_schema("config set", &changed);
    assert_eq!(changed["reloaded"], true);
    assert!(kernel.run("config unset lifecycle.maxRestarts").expect(0).stderr.contains("has taken it over"));
}

#[test]
fn a_changed_project_is_planned_and_then_taken_over() {
    let (kernel, _) = Running::start(&project(""), 0);
    let more = project("  extra: { run: 'sleep 1000' }\n");
    fs::write(kernel.world.path().join("ostoja.yaml"), more).expect("it is ours");
    let plan = kernel.run("reload modules --dry-run").expect(0).stdout;
    assert!(plan.contains("extra"), "{plan}");
    kernel.run("status extra").expect(4);
    kernel.run("up -d -f ostoja.yaml").expect(0);
    kernel.run("status extra").expect(0);
}

#[test]
fn a_module_is_installed_approved_shown_and_uninstalled() {
    let (kernel, _) = Running::start(&project(""), 0);
    let folder = kernel.world.path().join("second");
    fs::create_dir(&folder).expect("it is ours");
    let program = env!("CARGO_BIN_EXE_ostoja");
    let script = format!("#!/bin/sh\nexec {program} internal demo-module greeter\n");
    fs::write(folder.join("run.sh"), script).expect("it is ours");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.join("run.sh"), mode).expect("it is ours");
    let permissions = format!("{{ \"read\": [{program:?}], \"run\": [\"ostoja\"] }}");
    let manifest = format!(
        "{{ \"id\": \"second\", \"name\": \"Second\", \"runtime\": \"binary\", \"entry\": \"run.sh\",
           \"provides\": [\"second\"], \"permissions\": {permissions} }}"
    );
    fs::write(folder.join("module.json"), manifest).expect("it is ours");
    check_schema("module check", &kernel.data("module check second"));
    let plan = kernel.run("module install second --dry-run").expect(0).stdout;
    assert!(plan.contains("second: would ask for: read "), "{plan}");
    let ran = kernel.run("module install second").expect(0);
    assert!(ran.stderr.contains("second asks for:"), "{}", ran.stderr);
    assert!(ran.stderr.contains("module approve second"), "{}", ran.stderr);
    kernel.run("start second").expect(5);
    assert!(kernel.run("why second").expect(0).stdout.contains("module approve second"));
    assert!(kernel.run("permissions pending").expect(0).stdout.contains("(install)"));
    kernel.run("module approve second").expect(2);
    check_schema("module show", &kernel.data("module show second"));
    check_schema("module perms", &kernel.data("module perms second"));
    kernel.run("module uninstall second -y").expect(0);
    kernel.run("module show second").expect(4);
    kernel.run("module uninstall greeter -y").expect(1);
}

/// Changes one word of one record, as somebody with an editor would.
fn spoil(journal: &Path) {
    let mut bytes = fs::read(journal).expect("a journal");
    let at = bytes.windows(12).position(|part| part == b"module.ready").expect("a record");
    bytes[at + 7] = b'h';
    fs::write(journal, bytes).expect("it is ours");
}
