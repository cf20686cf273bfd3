//! With a real kernel and real modules: starting, seeing, steering and stopping them, in front and behind.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout};

use cli::schema::outputs;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::runner::{Ran, World, finish};

/// A greeter that is this very binary, a ticker that is a line of shell, and one that fails.
fn project(more: &str) -> String {
    let program = env!("CARGO_BIN_EXE_ostoja");
    format!(
        "lifecycle: {{ restartBaseMs: 50 }}\n\
         modules:\n  \
           greeter: {{ run: [{program:?}, demo-module, greeter], protocol: lines, provides: [greeter] }}\n  \
           ticker: {{ run: 'echo started; sleep 1000', needs: [greeter], ready: {{ log: started }} }}\n{more}"
    )
}

const FAILING: &str = "  failing: { run: 'echo no port >&2; exit 3', max_restarts: 1 }\n";

/// A world with a running kernel, which is stopped with this value.
struct Running {
    world: World,
}

impl Running {
    fn start(project: &str, code: i32) -> (Self, Ran) {
        let world = World::new();
        fs::write(world.path().join("ostoja.yaml"), project).expect("it is ours");
        let ran = world.run("up -d -f ostoja.yaml").expect(code);
        (Self { world }, ran)
    }

    fn run(&self, line: &str) -> Ran {
        self.world.run(line)
    }

    #[track_caller]
    fn data(&self, line: &str) -> Value {
        self.run(&format!("--json {line}")).expect(0).json()["data"].take()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.world.run("down --timeout 5s");
    }
}

fn check_schema(verb: &str, value: &Value) {
    let output = outputs().into_iter().find(|output| output.verb == verb).expect("a known verb");
    let validator = jsonschema::validator_for(output.schema.as_value()).expect("a right schema");
    if let Err(error) = validator.validate(value) {
        panic!("`{verb}` prints what its schema forbids: {error} in {value}");
    }
}

/// Whether a process still does anything: one that has ended and was not yet reaped by its parent does not.
fn is_alive(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

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

/// Changes one word of one record, as somebody with an editor would.
fn spoil(journal: &Path) {
    let mut bytes = fs::read(journal).expect("a journal");
    let at = bytes.windows(12).position(|part| part == b"module.ready").expect("a record");
    bytes[at + 7] = b'h';
    fs::write(journal, bytes).expect("it is ours");
}

#[test]
fn run_in_front_shows_what_is_said_and_ends_as_the_command_does() {
    let (kernel, _) = Running::start(&project(""), 0);
    let world = &kernel.world;
    let ran = world.run_words(&["run", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]).expect(7);
    assert!(ran.stdout.contains("│ out\n") && ran.stdout.contains("│ err\n"), "{}", ran.stdout);
    world.run_words(&["run", "--", "true"]).expect(0);
    world.run_words(&["run", "--", "sh", "-c", "kill -9 $$"]).expect(137);
    world.run_words(&["run", "--", "/nonexistent/program"]).expect(127);
    let ran = world
        .run_words(&["run", "--json", "--name", "once", "-e", "A=b", "--", "sh", "-c", "echo $A"])
        .expect(0);
    let lines = ran.json_lines();
    let (last, events) = lines.split_last().expect("lines");
    check_schema("run (its last line)", &last["data"]);
    assert_eq!(last["data"]["exitCode"], 0);
    events.iter().for_each(|event| check_schema("run", event));
    assert!(events.iter().any(|event| event["data"]["msg"] == "b"), "{events:?}");
    let say = ["run", "--name", "again", "--", "sh", "-c", "seq 1 3000"];
    for _ in 0..2 {
        let ran = world.run_words(&say).expect(0);
        assert_eq!(ran.stdout.lines().count(), 3000, "every line of this run and none of the last: {ran:?}");
    }
    let names = kernel.run("ps -o name").expect(0).stdout;
    assert_eq!(names, "greeter\nticker\n");
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
fn run_in_front_removes_its_command_when_interrupted() {
    let (kernel, _) = Running::start(&project(""), 0);
    let mut child = kernel
        .world
        .command(["run", "--name", "long", "--", "sh", "-c", "echo $$; sleep 1000"])
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let pid: u64 = line.trim().rsplit(' ').next().and_then(|word| word.parse().ok()).expect("its number");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    finish(child).expect(130);
    assert!(!is_alive(pid), "{pid} outlived its terminal");
    kernel.run("status long").expect(4);
}

/// Reads lines until one holds this text.
fn read_until(lines: &mut impl BufRead, text: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).expect("lines"), 0, "`{text}` did not come in {all}");
        let is_it = line.contains(text);
        all.push_str(&line);
        if is_it {
            return all;
        }
    }
}

#[test]
fn up_in_front_shows_the_boot_the_decisions_and_the_logs_and_stops_on_ctrl_c() {
    let world = World::new();
    fs::write(world.path().join("ostoja.yaml"), project(FAILING)).expect("it is ours");
    let mut child = world.command(["up", "-f", "ostoja.yaml"]).spawn().expect("it runs");
    let mut talk = BufReader::new(child.stderr.take().expect("it is piped"));
    let boot = read_until(&mut talk, "Ctrl-C stops everything");
    for said in ["[1/5] config", "[2/5] store", "[3/5] modules", "[4/5] door", "[5/5] start", "failing"] {
        assert!(boot.contains(said), "{said}: {boot}");
    }
    let mut data = BufReader::new(child.stdout.take().expect("it is piped"));
    read_until(&mut data, "started");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let end = read_until(&mut talk, "stopped in");
    assert!(end.contains("once more Ctrl-C kills at once"), "{end}");
    drop(data);
    finish(child).expect(0);
}

#[test]
fn up_in_front_gives_json_lines_that_keep_to_their_schema() {
    let world = World::new();
    fs::write(world.path().join("ostoja.yaml"), project("")).expect("it is ours");
    let mut child = world.command(["up", "-f", "ostoja.yaml", "--json"]).spawn().expect("it runs");
    let mut data = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut text = read_until(&mut data, "\"settled\"");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    data.read_to_string(&mut text).expect("the rest");
    finish(child).expect(0);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        check_schema("up", &event);
        *counts.entry(event["event"].as_str().expect("a name").to_owned()).or_default() += 1;
    }
    assert_eq!((counts["booted"], counts["settled"], counts["stopped"]), (5, 1, 1), "{counts:?}");
    assert!(counts["record"] >= 2, "{counts:?}");
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_anybody() {
    let world = World::new();
    let stubborn = "modules:\n  stubborn: { run: \"trap '' TERM; echo up; while :; do sleep 1; done\" }\n";
    fs::write(world.path().join("ostoja.yaml"), stubborn).expect("it is ours");
    let mut child = world.command(["up", "-f", "ostoja.yaml", "--json"]).spawn().expect("it runs");
    let mut data = BufReader::new(child.stdout.take().expect("it is piped"));
    read_until(&mut data, "\"up\"");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    read_until(&mut data, "\"stopping\"");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    read_until(&mut data, "shutdown.forced");
    read_until(&mut data, "\"stopped\"");
    finish(child).expect(0);
}

#[test]
fn up_in_front_stops_when_nobody_reads_it_any_more() {
    let world = World::new();
    let chatty = "modules:\n  chatty: { run: 'while :; do echo line; sleep 0.01; done' }\n";
    fs::write(world.path().join("ostoja.yaml"), chatty).expect("it is ours");
    let mut child = world.command(["up", "-f", "ostoja.yaml"]).spawn().expect("it runs");
    let stdout: ChildStdout = child.stdout.take().expect("it is piped");
    read_until(&mut BufReader::with_capacity(64, stdout), "line");
    finish(child).expect(0);
    world.run("status").expect(3);
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
    let script = format!("#!/bin/sh\nexec {program} demo-module greeter\n");
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

#[test]
fn the_demo_shows_everything_and_leaves_nothing() {
    let world = World::new();
    let ran = world.run("demo --once").expect(0);
    for said in
        ["1. Five", "Hello, Ostoja!", "exit code 1", "flooder sent 50.0k", "was refused: net telemetry"]
    {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 110, "{line}");
    }
    let steps = world.run("demo --once --json --lang pl").expect(0).json_lines();
    assert_eq!(steps.len(), 5);
    steps.iter().for_each(|step| check_schema("demo", step));
    assert_nothing_left(&world);
}

#[test]
fn the_demo_stops_on_ctrl_c_and_leaves_nothing() {
    let world = World::new();
    let mut child: Child = world.command(["demo"]).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let text = read_until(&mut lines, "Ctrl-C stops everything");
    assert!(text.contains(" call greeter hello name=Ola"), "{text}");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    finish(child).expect(0);
    assert_nothing_left(&world);
}

#[test]
fn the_demo_that_is_interrupted_on_the_way_leaves_nothing() {
    let world = World::new();
    let mut child: Child = world.command(["demo"]).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    read_until(&mut lines, "1. Five");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let ran = finish(child);
    assert!(ran.code == 0 || ran.code == 130, "{ran:?}");
    assert_nothing_left(&world);
}

fn assert_nothing_left(world: &World) {
    let left: Vec<_> =
        fs::read_dir(world.path()).expect("it is there").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}
