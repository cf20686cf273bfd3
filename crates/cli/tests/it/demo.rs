//! The demo, from its first line to the last file that it removes.

use std::fs;
use std::io::BufReader;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use crate::kernel::{check_schema, read_until};
use crate::runner::{World, finish};

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

#[test]
fn the_demo_that_was_killed_is_cleaned_up_by_the_next_one() {
    let world = World::new();
    let mut child: Child = world.command(["demo"]).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    read_until(&mut lines, "1. Five");
    kill_process(Pid::from_child(&child), Signal::KILL).expect("it runs");
    child.wait().expect("it is ours");
    assert_eq!(fs::read_dir(world.path()).expect("it is there").count(), 1, "the killed one leaves its home");
    let mut child: Child = world.command(["demo"]).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    read_until(&mut lines, "1. Five");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    finish(child);
    assert_nothing_left(&world);
}

fn assert_nothing_left(world: &World) {
    let left: Vec<_> =
        fs::read_dir(world.path()).expect("it is there").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}
