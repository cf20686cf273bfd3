//! With a real kernel in front of the person: its boot, its logs, Ctrl-C, and commands that run in front.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::ChildStdout;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::kernel::{FAILING, Running, check_schema, is_alive, project, read_until};
use crate::runner::{World, finish};

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
    let place = |text: &str| boot.find(text).unwrap_or_else(|| panic!("{text}: {boot}"));
    assert!(
        place("[5/5] start") < place("ready after"),
        "no module is ready before the start has begun: {boot}"
    );
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
