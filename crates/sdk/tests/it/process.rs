//! What `run` does to a real process: descriptors, exit codes, no orphans. The process is `examples/noisy.rs`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

fn noisy() -> Command {
    // Cargo builds examples beside the tests that it runs.
    let tests: PathBuf = std::env::current_exe().expect("this test is a file");
    let target = tests.ancestors().nth(2).expect("target/<profile>/deps/it");
    Command::new(target.join("examples/noisy"))
}

/// Says these lines, ends the pipe, and gives what came of it.
fn say(frames: &[Value]) -> Output {
    let piped = noisy().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = piped.expect("cargo has built it");
    let lines: String = frames.iter().map(|frame| format!("{frame}\n")).collect();
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(lines.as_bytes()).expect("it reads");
    // Only when the last call is answered, so that no answer is `shutting down`.
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("rpc_response") && stdout.read_line(&mut said).expect("UTF-8") > 0 {}
    drop(stdin);
    stdout.read_to_string(&mut said).expect("UTF-8");
    let mut output = child.wait_with_output().expect("a child");
    output.stdout = said.into_bytes();
    output
}

fn init() -> Value {
    json!({"type": "init", "protocolVersion": "1.0", "config": {}, "workspacePath": "/", "projectRoot": "/"})
}

fn call(method: &str) -> Value {
    json!({"type": "rpc_request", "id": "1", "from": "m", "service": "noisy", "method": method})
}

fn frames(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("every line is a frame")).collect()
}

#[test]
fn what_is_printed_goes_to_stderr_and_stdout_holds_frames_only() {
    let output = say(&[init(), call("print")]);
    let answer = json!({"type": "rpc_response", "id": "1", "result": null});
    assert_eq!(frames(&output).last(), Some(&answer));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "printed by the module\nprinted by a child\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_handler_that_reads_stdin_eats_no_messages() {
    let output = say(&[init(), call("read")]);
    assert_eq!(frames(&output).last(), Some(&json!({"type": "rpc_response", "id": "1", "result": ""})));
}

#[test]
fn a_handler_that_hangs_leaves_no_orphan() {
    let piped = noisy().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = piped.expect("cargo has built it");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(format!("{}\n{}\n", init(), call("hang")).as_bytes()).expect("it reads");
    let mut line = String::new();
    BufReader::new(child.stderr.take().expect("a pipe")).read_line(&mut line).expect("UTF-8");
    assert_eq!(line, "hanging\n");
    drop(stdin);
    assert_eq!(child.wait().expect("a child").code(), Some(0));
}

#[test]
fn on_a_terminal_it_says_what_it_is_and_leaves_with_64() {
    let leader = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&leader).expect("a terminal");
    unlockpt(&leader).expect("a terminal");
    let path = ptsname(&leader, Vec::new()).expect("a terminal");
    let terminal = std::fs::OpenOptions::new().read(true).write(true).open(path.to_str().expect("UTF-8"));
    let output = noisy().stdin(terminal.expect("a terminal")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(64));
    assert_eq!(output.stdout, b"");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("is an Ostoja module") && text.contains("ostoja up"), "{text}");
}
