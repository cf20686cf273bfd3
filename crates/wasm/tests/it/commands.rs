//! Plain WASI commands: streams, exit codes, deadline, stop, and folders by permission.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wasm::{Command, CommandLimits, Exit, Fault, Grant, Inlet, ModuleError, Outlet, Stop};

use crate::host::{chain, engine, grant};

/// A command with this body of `run`, which gives 0 for success. It can read and write its standard streams and exit.
fn command(body: &str) -> String {
    format!(
        r#"(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error-type (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "input-stream" (type $input (sub resource)))
    (export "output-stream" (type $output (sub resource)))
    (export "[method]input-stream.blocking-read" (func (param "self" (borrow $input)) (param "len" u64)
      (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.blocking-write-and-flush" (func (param "self" (borrow $output)) (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input-stream))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input-stream (type $outer)) (export "input-stream" (type $s (eq $outer)))
    (export "get-stdin" (func (result (own $s))))))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer)) (export "output-stream" (type $s (eq $outer)))
    (export "get-stdout" (func (result (own $s))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
  (core module $Library
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 8192))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $next) (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8)))))
  (core instance $library (instantiate $Library))
  (core func $get_stdin (canon lower (func $stdin "get-stdin")))
  (core func $get_stdout (canon lower (func $stdout "get-stdout")))
  (core func $exit_now (canon lower (func $exit "exit")))
  (core func $read (canon lower (func $streams "[method]input-stream.blocking-read") (memory $library "memory") (realloc (func $library "realloc"))))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $library "memory")))
  (core module $Main
    (import "library" "memory" (memory 1))
    (import "host" "stdin" (func $stdin (result i32)))
    (import "host" "stdout" (func $stdout (result i32)))
    (import "host" "exit" (func $exit (param i32)))
    (import "host" "read" (func $read (param i32 i64 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (func (export "run") (result i32) (local $in i32) (local $out i32) {body}))
  (core instance $main (instantiate $Main (with "library" (instance $library)) (with "host" (instance
    (export "stdin" (func $get_stdin)) (export "stdout" (func $get_stdout)) (export "exit" (func $exit_now))
    (export "read" (func $read)) (export "write" (func $write))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run-interface (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run-interface)))"#
    )
}

/// Copies its input to its output until the input ends.
const COPY: &str = "(local.set $in (call $stdin)) (local.set $out (call $stdout))
    (loop $again
      (call $read (local.get $in) (i64.const 100) (i32.const 64))
      (if (i32.load8_u (i32.const 64)) (then (return (i32.const 0))))
      (call $write (local.get $out) (i32.load (i32.const 68)) (i32.load (i32.const 72)) (i32.const 96))
      (br $again))
    (unreachable)";

fn compile(body: &str, grant: Grant) -> Result<Command, ModuleError> {
    Command::compile(&engine(), command(body).as_bytes(), grant)
}

fn run(body: &str, limits: CommandLimits) -> Result<Exit, Fault> {
    let command = compile(body, grant()).unwrap_or_else(|error| panic!("{}", chain(&error)));
    command.run(limits, Inlet::default(), Outlet::closed(), Outlet::closed(), &Stop::default())
}

const SHORT: CommandLimits =
    CommandLimits { deadline: Some(Duration::from_millis(40)), ..CommandLimits::STANDARD };

#[test]
fn command_reads_lines_and_answers_them() {
    let command = compile(COPY, grant()).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let written = Arc::new(Mutex::new(Vec::new()));
    let (stdin, sink) = (Inlet::default(), Arc::clone(&written));
    let stdout = Outlet::new(move |bytes| sink.lock().unwrap().extend_from_slice(bytes));
    let input = stdin.clone();
    let running = thread::spawn(move || {
        command.run(CommandLimits::STANDARD, stdin, stdout, Outlet::closed(), &Stop::default())
    });
    input.write(b"{\"type\":\"ping\"}\n");
    input.write(b"{\"type\":\"shutdown\"}\n");
    input.close();
    assert_eq!(running.join().unwrap(), Ok(Exit { code: 0 }));
    assert_eq!(*written.lock().unwrap(), b"{\"type\":\"ping\"}\n{\"type\":\"shutdown\"}\n");
}

#[test]
fn exit_codes_are_what_the_command_says() {
    assert_eq!(run("(i32.const 0)", SHORT), Ok(Exit { code: 0 }));
    assert_eq!(run("(i32.const 1)", SHORT), Ok(Exit { code: 1 }));
    assert_eq!(run("(call $exit (i32.const 1)) (i32.const 0)", SHORT), Ok(Exit { code: 1 }));
}

#[test]
fn command_that_waits_for_ever_ends_at_its_deadline() {
    let fault = run(COPY, SHORT).unwrap_err();
    assert!(matches!(fault, Fault::Deadline { .. }), "{fault}");
}

#[test]
fn command_that_computes_for_ever_ends_at_its_deadline() {
    let fault = run("(loop $again (br $again)) (unreachable)", SHORT).unwrap_err();
    assert!(matches!(fault, Fault::Deadline { .. }), "{fault}");
}

#[test]
fn command_is_stopped_from_another_thread_in_a_wait_and_in_its_own_code() {
    for body in [COPY, "(loop $again (br $again)) (unreachable)"] {
        let command = compile(body, grant()).unwrap();
        let stop = Stop::default();
        let running = {
            let stop = stop.clone();
            let limits = CommandLimits::STANDARD;
            thread::spawn(move || {
                command.run(limits, Inlet::default(), Outlet::closed(), Outlet::closed(), &stop)
            })
        };
        stop.stop();
        let fault = running.join().unwrap().unwrap_err();
        assert!(fault.to_string().contains("it was stopped"), "{fault}");
    }
}

#[test]
fn trap_of_a_command_is_a_fault() {
    let fault = run("(unreachable)", SHORT).unwrap_err();
    assert!(fault.to_string().contains("unreachable"), "{fault}");
}

#[test]
fn folder_of_a_permission_must_be_there_and_readable() {
    let home = tempfile::tempdir().unwrap();
    let mut missing = grant();
    missing.home = home.path().to_owned();
    missing.permissions.read.insert("data".to_owned());
    let error = compile("(i32.const 0)", missing.clone()).unwrap_err();
    assert!(chain(&error).contains("`data` can't be opened as a folder"), "{}", chain(&error));
    std::fs::create_dir(home.path().join("data")).unwrap();
    assert!(compile("(i32.const 0)", missing.clone()).is_ok());
    missing.permissions.write.insert("other".to_owned());
    let error = compile("(i32.const 0)", missing).unwrap_err();
    assert!(chain(&error).contains("written but not read"), "{}", chain(&error));
}

#[test]
fn component_that_is_no_command_is_refused() {
    let error =
        Command::compile(&engine(), crate::guests::Guest::new().text().as_bytes(), grant()).unwrap_err();
    assert!(matches!(error, ModuleError::Import { .. }), "{}", chain(&error));
}
