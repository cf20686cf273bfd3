//! WebAssembly modules in a real kernel: beside processes, under the same rules, and however badly they behave.

use std::time::Instant;

use serde_json::{Value, json};

use crate::guests::Guest;
use crate::kernel::{Kernel, eventually, lives, python};

/// Calls `adder.add` with its own parameters and answers with what it got.
const ASK: &str = "(call $call (i32.const 1120) (i32.const 5) (i32.const 1128) (i32.const 3)
    (local.get $at) (local.get $len) (i32.const 0) (i32.const 512))
    (if (i32.load8_u (i32.const 512)) (then (return (call $fail (i32.const 1056) (i32.const 14)))))
    (call $bytes (i32.load (i32.const 516)) (i32.load (i32.const 520)))";

/// Subscribes to `topic.a` when it begins.
const LISTEN: &str = "(call $subscribe (i32.const 1024) (i32.const 7) (i32.const 512)) (call $ok)";

const LOOP: &str = "(loop $again (br $again)) (unreachable)";

fn kernel(files: &[(&str, String)], project: &str) -> Kernel {
    let mut kernel = Kernel::home(project);
    for (name, text) in files {
        kernel.file(name, text);
    }
    kernel.start();
    kernel
}

fn call(kernel: &Kernel, service: &str, params: &Value) -> Value {
    kernel.ask(
        json!({ "cmd": "call", "service": service, "method": "go", "params": params, "timeoutMs": 15_000 }),
    )
}

fn records(kernel: &Kernel, module: &str, code: &str) -> Vec<Value> {
    let story = kernel.data(json!({ "cmd": "why", "moduleId": module, "limit": 1000 }));
    let rows = story["records"].as_array().expect("records").iter();
    rows.filter(|row| row["code"] == code).cloned().collect()
}

fn wait_for_record(kernel: &Kernel, module: &str, code: &str) -> Value {
    eventually(&format!("{module} has {code}"), || !records(kernel, module, code).is_empty());
    records(kernel, module, code).remove(0)
}

#[test]
fn a_python_module_and_a_webassembly_module_call_each_other() {
    let adder = "for f in frames():\n\
        \x20   if f['type']=='init': say(type='ready')\n\
        \x20   if f['type']=='deps_ready': say(type='rpc_request', id='own', service='echo', method='go', params={'a': [1]})\n\
        \x20   if f['type']=='rpc_request': say(type='rpc_response', id=f['id'], result={'sum': sum(f['params']), 'from': f['from']})\n\
        \x20   if f['type']=='rpc_response': say(type='log', level='info', msg='back '+json.dumps(f, sort_keys=True))\n";
    let kernel = kernel(
        &[
            ("adder.py", python(adder)),
            ("ask.wat", Guest::new().calling().with("on-call", ASK).text()),
            ("echo.wat", Guest::new().text()),
        ],
        "modules:\n  py: {run: [python3, adder.py], protocol: lines, provides: [adder], requires: [echo]}\n\
         \x20 ask: {run: ask.wat, provides: [asker], requires: [adder]}\n\
         \x20 echo: {run: echo.wat, provides: [echo]}\n",
    );
    assert_eq!(kernel.settle(), Vec::<String>::new());
    kernel.wait_for_log("py", r#"back {"id": "own", "result": {"a": [1]}, "type": "rpc_response"}"#);
    assert_eq!(call(&kernel, "asker", &json!([20, 22]))["data"], json!({ "sum": 42, "from": "ask" }));
    let row = kernel.status("ask");
    assert_eq!(
        (&row["status"], &row["pid"], &row["runtime"]),
        (&json!("ready"), &Value::Null, &json!("wasm"))
    );
    assert!(row["rssBytes"].as_u64().expect("memory") >= 65_536, "{row}");
    assert!(row["startedAt"].is_u64() && row["framesIn"].as_u64() > Some(1), "{row}");
    let shown = kernel.data(json!({ "cmd": "module.show", "moduleId": "ask" }));
    assert!(shown["confinement"].to_string().contains("67108864"), "{shown}");
}

#[test]
fn messages_go_both_ways_between_processes_and_webassembly() {
    let speaker = "for f in frames():\n\
        \x20   if f['type']=='init': say(type='ready')\n\
        \x20   if f['type']=='deps_ready': say(type='publish', topic='topic.a', payload={'n': 1})\n\
        \x20   if f['type']=='deliver': say(type='log', level='info', msg='heard '+f['topic']+' '+json.dumps(f['payload']))\n";
    // Answers a call by publishing its parameters on the topic that it also hears; a log line tells what it heard.
    let guest = Guest::new()
        .with("init", LISTEN)
        .with("on-message", "(call $log (i32.const 2) (local.get $at) (local.get $len)) (call $ok)")
        .with(
            "on-call",
            "(call $publish (i32.const 0) (local.get $at) (local.get $len) (i32.const 512))
             (call $bytes (i32.const 1120) (i32.const 0))",
        );
    let kernel = kernel(
        &[("speaker.py", python(speaker)), ("guest.wat", guest.text())],
        "modules:\n  py: {run: [python3, speaker.py], protocol: lines, subscribes: [topic.a], requires: [pub]}\n\
         \x20 guest: {run: guest.wat, provides: [pub], subscribes: [topic.a]}\n",
    );
    assert_eq!(kernel.settle(), Vec::<String>::new());
    kernel.wait_for_log("guest", r#"{"n": 1}"#);
    assert_eq!(call(&kernel, "pub", &json!({ "n": 2 }))["ok"], true);
    kernel.wait_for_log("py", r#"heard topic.a {"n": 2}"#);
}

#[test]
fn a_guest_that_loops_blocks_nobody_and_falls_at_its_deadline() {
    let kernel = kernel(
        &[("loop.wat", Guest::new().with("on-call", LOOP).text()), ("echo.wat", Guest::new().text())],
        "lifecycle: {restartBaseMs: 1}\nmodules:\n\
         \x20 spin: {run: loop.wat, provides: [spin], limits: {deadline: 700ms}}\n\
         \x20 echo: {run: echo.wat, provides: [echo]}\n",
    );
    assert_eq!(kernel.settle(), Vec::<String>::new());
    let (mut door, mut served) = (kernel.door(), 0);
    door.send(&format!("{}\n", json!({ "cmd": "call", "service": "spin", "method": "go" })));
    let begun = Instant::now();
    while records(&kernel, "spin", "wasm.fell").is_empty() {
        assert!(begun.elapsed() < crate::kernel::PATIENCE, "it never fell");
        assert_eq!(call(&kernel, "echo", &json!([1]))["data"], json!([1]), "others are served meanwhile");
        served += 1;
    }
    assert!(served > 3, "{served}");
    let answer = door.next().expect("an answer");
    assert!(answer["error"].to_string().contains("stopped while processing"), "{answer}");
    let fell = wait_for_record(&kernel, "spin", "wasm.fell");
    assert!(fell["facts"]["why"].to_string().contains("longer than its deadline of 700ms"), "{fell}");
    kernel.wait_for_state("spin", "ready");
    assert_eq!(kernel.status("spin")["restartsTotal"], 1);
}

#[test]
fn a_trap_is_the_modules_death_with_the_place_where_it_was() {
    let kernel = kernel(
        &[("trap.wat", Guest::new().with("on-call", "(unreachable)").text())],
        "lifecycle: {restartBaseMs: 1}\nmodules:\n  trap: {run: trap.wat, provides: [trap]}\n",
    );
    kernel.settle();
    let answer = call(&kernel, "trap", &json!(1));
    assert!(answer["error"].to_string().contains("Module trap stopped while processing RPC"), "{answer}");
    let why = wait_for_record(&kernel, "trap", "wasm.fell")["facts"]["why"].to_string();
    assert!(
        why.contains("trap: on-call trapped: wasm trap: wasm `unreachable` instruction executed"),
        "{why}"
    );
    assert!(why.contains("`on-call @0x"), "{why}");
    kernel.wait_for_state("trap", "ready");
    let shown = kernel.data(json!({ "cmd": "module.show", "moduleId": "trap" }));
    assert!(
        shown["stderrTail"].to_string().contains("unreachable"),
        "a crash report has its last words: {shown}"
    );
}

#[test]
fn guests_that_allocate_recurse_or_flood_hurt_only_themselves() {
    let hungry = "(loop $again (drop (memory.grow (i32.const 16))) (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let deep =
        Guest::new().function("(func $deep (call $deep))").with("on-call", "(call $deep) (unreachable)");
    let flood = "(local $i i32) (loop $again
        (call $publish (i32.const 0) (i32.const 1120) (i32.const 0) (i32.const 512))
        (call $publish (i32.const 0) (local.get $at) (local.get $len) (i32.const 512))
        (call $log (i32.const 2) (i32.const 1088) (i32.const 20))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 5000))))
        (call $bytes (local.get $at) (local.get $len))";
    let kernel = kernel(
        &[
            ("hungry.wat", Guest::new().with("on-call", hungry).text()),
            ("deep.wat", deep.text()),
            ("flood.wat", Guest::new().with("init", LISTEN).with("on-call", flood).text()),
            ("echo.wat", Guest::new().with("init", LISTEN).text()),
        ],
        "lifecycle: {restartBaseMs: 1}\nmodules:\n\
         \x20 hungry: {run: hungry.wat, provides: [hungry], limits: {memory: 4M}}\n\
         \x20 deep: {run: deep.wat, provides: [deep]}\n\
         \x20 flood: {run: flood.wat, provides: [flood], subscribes: [topic.a]}\n\
         \x20 echo: {run: echo.wat, provides: [echo], subscribes: [topic.a]}\n",
    );
    assert_eq!(kernel.settle(), Vec::<String>::new());
    for module in ["hungry", "deep"] {
        let answer = call(&kernel, module, &json!(1));
        assert!(answer["error"].to_string().contains("stopped while processing"), "{answer}");
    }
    let why = wait_for_record(&kernel, "hungry", "wasm.fell")["facts"]["why"].to_string();
    assert!(why.contains("its memory limit of 4194304 bytes"), "{why}");
    let why = wait_for_record(&kernel, "deep", "wasm.fell")["facts"]["why"].to_string();
    assert!(why.contains("call stack exhausted"), "{why}");
    assert_eq!(
        call(&kernel, "flood", &json!("m"))["data"],
        json!("m"),
        "what is too much is refused, as a value"
    );
    kernel.wait_for_log("flood", "log lines of one entry were dropped");
    assert_eq!(call(&kernel, "echo", &json!([1]))["data"], json!([1]));
}

#[test]
fn files_that_are_no_module_are_refused_with_the_reason_and_the_place() {
    let unknown = r#"(import "acme:thing/api@1.0.0" (instance (export "x" (func))))"#;
    let mut kernel = Kernel::home(
        "modules:\n  cut: {run: cut.wasm}\n  text: {run: text.wat}\n  foreign: {run: foreign.wat}\n\
         \x20 core: {run: core.wat}\n  gone: {run: gone.wasm}\n  big: {run: echo.wat, limits: {memory: 1G}}\n\
         \x20 bare: {run: bare.wat}\n",
    );
    std::fs::write(kernel.path().join("cut.wasm"), b"\0asm\x0d\0\x01\0\x07\x40").expect("written");
    kernel.file("text.wat", "(component\n  (cor module))");
    kernel.file("foreign.wat", &Guest::new().importing(unknown).text());
    kernel.file("core.wat", "(module)");
    kernel.file("echo.wat", &Guest::new().text());
    kernel.file("bare.wat", &Guest::new().without("health").text());
    kernel.start();
    kernel.settle();
    let note = |module: &str| kernel.status(module)["note"].to_string();
    assert!(note("cut").contains("byte"), "{}", note("cut"));
    assert!(note("text").contains("line 2"), "{}", note("text"));
    assert!(note("foreign").contains("acme:thing/api@1.0.0"), "{}", note("foreign"));
    assert!(note("core").contains("wasm-tools component new"), "{}", note("core"));
    assert!(note("gone").contains("gone.wasm"), "{}", note("gone"));
    assert!(note("big").contains("268435456"), "{}", note("big"));
    assert!(note("bare").contains("does not export `health"), "{}", note("bare"));
    for module in ["cut", "text", "foreign", "core", "gone", "big", "bare"] {
        assert_eq!(kernel.status(module)["restartsTotal"], 0, "{module}: trying again can't help");
    }
}

#[test]
fn changed_code_takes_over_the_state_without_a_new_life() {
    // Version two answers with a count from its restored state; it begins with that of version one.
    let tell = "(i32.store8 (i32.const 700) (i32.add (i32.const 48) (global.get $count))) (call $bytes (i32.const 700) (i32.const 1))";
    let guest = || Guest::new().with("init", LISTEN);
    let kernel = kernel(
        &[("m.wat", guest().text())],
        "modules:\n  m: {run: m.wat, provides: [m], subscribes: [topic.a]}\n",
    );
    kernel.settle();
    for _ in 0..3 {
        kernel.data(json!({ "cmd": "publish", "topic": "topic.a", "payload": 1 }));
    }
    assert_eq!(call(&kernel, "m", &json!("old"))["data"], json!("old"));
    let generation = kernel.status("m")["generation"].clone();
    let restore = "(call $subscribe (i32.const 1024) (i32.const 7) (i32.const 512))
        (global.set $count (i32.load (local.get $at))) (call $ok)";
    kernel.file("m.wat", &guest().with("on-call", tell).with("restore-state", restore).text());
    let plan = kernel.data(json!({ "cmd": "kernel.reload", "dryRun": true }));
    assert_eq!(plan["steps"][0]["code"], "wasm.swapping", "{plan}");
    kernel.data(json!({ "cmd": "kernel.reload" }));
    let swapped = wait_for_record(&kernel, "m", "wasm.swapped");
    assert_eq!(swapped["facts"]["state_bytes"], 4, "{swapped}");
    assert_eq!(call(&kernel, "m", &json!("new"))["data"], json!(3), "its state went over");
    assert_eq!(kernel.status("m")["generation"], generation, "it is the same life");
    kernel.data(json!({ "cmd": "publish", "topic": "topic.a", "payload": 1 }));
    assert_eq!(call(&kernel, "m", &json!("new"))["data"], json!(4), "and it hears what it heard before");

    // A successor that refuses leaves everything as it was.
    let refuse = "(call $fail (i32.const 1056) (i32.const 14))";
    kernel.file("m.wat", &guest().with("restore-state", refuse).text());
    kernel.data(json!({ "cmd": "kernel.reload" }));
    let refused = wait_for_record(&kernel, "m", "wasm.swap_refused");
    assert!(refused["facts"]["why"].to_string().contains("it is not well"), "{refused}");
    assert_eq!(call(&kernel, "m", &json!("new"))["data"], json!(4));
    assert_eq!(kernel.status("m")["generation"], generation);
}

#[test]
fn a_guest_ends_in_its_time_whatever_it_does() {
    let mut kernel = kernel(
        &[
            ("spin.wat", Guest::new().with("on-call", LOOP).text()),
            ("stay.wat", Guest::new().with("shutdown", LOOP).text()),
            ("echo.wat", Guest::new().text()),
        ],
        "lifecycle: {shutdownGraceMs: 200}\nmodules:\n  spin: {run: spin.wat, provides: [spin]}\n\
         \x20 stay: {run: stay.wat}\n  echo: {run: echo.wat}\n",
    );
    assert_eq!(kernel.settle(), Vec::<String>::new());
    let mut door = kernel.door();
    door.send(&format!("{}\n", json!({ "cmd": "call", "service": "spin", "method": "go" })));
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "spin" }));
    assert_eq!(kernel.state("spin"), "stopped");
    kernel.data(json!({ "cmd": "module.restart", "moduleId": "echo" }));
    assert_eq!(kernel.state("echo"), "ready");
    kernel.data(json!({ "cmd": "kernel.stop" }));
    assert!(kernel.wait().success());
}

#[test]
fn a_killed_kernel_leaves_nothing_of_its_guests() {
    let mut kernel = kernel(
        &[("spin.wat", Guest::new().with("on-call", LOOP).text())],
        "modules:\n  spin: {run: spin.wat, provides: [spin]}\n",
    );
    kernel.settle();
    let mut door = kernel.door();
    door.send(&format!("{}\n", json!({ "cmd": "call", "service": "spin", "method": "go" })));
    let pid = kernel.pid();
    kernel.signal(rustix::process::Signal::KILL);
    kernel.wait();
    assert!(!lives(pid));
    kernel.start();
    assert_eq!(kernel.settle(), Vec::<String>::new(), "the next kernel begins anew");
}

#[test]
fn a_guest_reads_its_own_configuration_and_asks_the_kernel() {
    // `kernel` is the kernel itself: its own methods, by their names.
    let ask = "(call $call (i32.const 1120) (i32.const 6) (i32.const 1128) (i32.const 16)
        (local.get $at) (local.get $len) (i32.const 0) (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then (return (call $fail (i32.load (i32.const 520)) (i32.load (i32.const 524))))))
        (call $bytes (i32.load (i32.const 516)) (i32.load (i32.const 520)))";
    let guest = Guest::new().calling().with("on-call", ask).text();
    let guest = guest.replace(r#"(i32.const 1120) "adder""#, r#"(i32.const 1120) "kernel""#);
    let guest =
        guest.replace(r#"(i32.const 1128) "add""#, r#"(i32.const 1128) "config.get\00\00\00\00\00\00""#);
    let guest = guest.replace("(i32.const 1128) (i32.const 16)", "(i32.const 1128) (i32.const 10)");
    let kernel = kernel(
        &[("m.wat", guest)],
        "security: {enforcementMode: warn}\nmodules:\n  m: {run: m.wat, provides: [m], config: {port: 80}}\n",
    );
    kernel.settle();
    assert_eq!(call(&kernel, "m", &json!({ "key": "m.port" }))["data"], json!(80));
    let refused = call(&kernel, "m", &json!({ "key": "other.port" }));
    assert!(refused["error"].to_string().contains("not permitted to read config key"), "{refused}");
}

#[test]
fn a_guest_that_says_it_is_not_well_is_started_anew() {
    let ill = Guest::new().with("health", "(call $fail (i32.const 1056) (i32.const 14))");
    let kernel = kernel(
        &[("m.wat", ill.text())],
        "lifecycle: {healthIntervalMs: 50, pingTimeoutMs: 100, healthMaxFailures: 2, restartBaseMs: 1, shutdownGraceMs: 100}\n\
         modules:\n  m: {run: m.wat}\n",
    );
    eventually("it is started anew", || kernel.codes("m").contains(&"health.missed".to_owned()));
    eventually("it is started anew", || kernel.status("m")["restartsTotal"].as_u64() > Some(0));
    kernel.wait_for_log("m", "it is not well");
}

#[test]
fn a_module_that_refuses_to_begin_says_why() {
    let refuses = Guest::new().with("init", "(call $fail (i32.const 1056) (i32.const 14))");
    let kernel = kernel(&[("m.wat", refuses.text())], "modules:\n  m: {run: m.wat, max_restarts: 0}\n");
    kernel.wait_for_state("m", "crashed");
    let failed = wait_for_record(&kernel, "m", "module.init_failed");
    assert_eq!(failed["facts"]["error"], "it is not well");
}

#[test]
fn the_example_adds_for_python_and_asks_python() {
    let greeter = "for f in frames():\n\
        \x20   if f['type']=='init': say(type='ready')\n\
        \x20   if f['type']=='deps_ready': say(type='rpc_request', id='own', service='wasm-adder', method='add', params=[1, -2, 43])\n\
        \x20   if f['type']=='rpc_request': say(type='rpc_response', id=f['id'], result='hello '+f['params']['name']+' from '+f['from'])\n\
        \x20   if f['type']=='rpc_response': say(type='log', level='info', msg='back '+json.dumps(f, sort_keys=True))\n";
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/wasm-adder");
    let kernel = kernel(
        &[("greeter.py", python(greeter))],
        &format!(
            "modules:\n  adder: {{path: {example}}}\n\
             \x20 greeter: {{run: [python3, greeter.py], protocol: lines, provides: [greeter], requires: [wasm-adder]}}\n"
        ),
    );
    assert_eq!(kernel.settle(), Vec::<String>::new());
    kernel.wait_for_log("greeter", r#"back {"id": "own", "result": 42, "type": "rpc_response"}"#);
    let ask = |method: &str, params: Value| {
        kernel.ask(json!({ "cmd": "call", "service": "wasm-adder", "method": method, "params": params }))
    };
    assert_eq!(ask("hello", json!({ "name": "Ola" }))["data"], "hello Ola from adder");
    assert_eq!(ask("add", json!(["x"]))["error"], "only a list of whole numbers can be added");
}

/// A plain command of WASI: writes two lines, the second without an end, and leaves with what its body gives.
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
    (export "output-stream" (type $output (sub resource)))
    (export "[method]output-stream.blocking-write-and-flush" (func (param "self" (borrow $output)) (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer)) (export "output-stream" (type $s (eq $outer)))
    (export "get-stdout" (func (result (own $s))))))
  (core module $Library (memory (export "memory") 1) (data (i32.const 64) "it works\nto the end"))
  (core instance $library (instantiate $Library))
  (core func $get_stdout (canon lower (func $stdout "get-stdout")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $library "memory")))
  (core module $Main
    (import "host" "stdout" (func $stdout (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (func (export "run") (result i32)
      (call $write (call $stdout) (i32.const 64) (i32.const 19) (i32.const 16)) {body}))
  (core instance $main (instantiate $Main (with "host" (instance
    (export "stdout" (func $get_stdout)) (export "write" (func $write))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run-interface (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run-interface)))"#
    )
}

#[test]
fn a_plain_wasi_command_logs_what_it_writes_and_leaves_with_its_code() {
    let kernel = kernel(
        &[
            ("job.wat", command("(i32.const 0)")),
            ("fails.wat", command("(i32.const 1)")),
            ("traps.wat", command("(unreachable)")),
            ("stays.wat", command("(loop $again (br $again)) (unreachable)")),
        ],
        "modules:\n\
         \x20 job: {run: [job.wat, --loud], protocol: none, ready: completed, restart: never}\n\
         \x20 fails: {run: fails.wat, protocol: none, restart: never}\n\
         \x20 traps: {run: traps.wat, protocol: none, restart: never}\n\
         \x20 stays: {run: stays.wat, protocol: none, ready: {log: it works}}\n",
    );
    kernel.wait_for_state("job", "completed");
    kernel.wait_for_log("job", "it works");
    kernel.wait_for_log("job", "to the end");
    eventually("it has left", || kernel.codes("fails").contains(&"module.exited".to_owned()));
    let exited = wait_for_record(&kernel, "fails", "module.exited");
    assert!(exited["facts"].to_string().contains("exit code 1"), "{exited}");
    let why = wait_for_record(&kernel, "traps", "wasm.fell")["facts"]["why"].to_string();
    assert!(why.contains("trap: run trapped"), "{why}");
    kernel.wait_for_state("stays", "ready");
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "stays" }));
    assert_eq!(kernel.state("stays"), "stopped", "even one that computes ends when it is told to");
}

#[test]
fn actors_are_observed_and_a_swap_is_told_when_it_is_asked_for() {
    let kernel = kernel(
        &[("m.wat", Guest::new().text()), ("n.wat", Guest::new().text())],
        "modules:\n  m: {run: m.wat, provides: [m]}\n  n: {run: n.wat}\n  py: {run: sleep 1000}\n",
    );
    kernel.settle();
    let table = kernel.data(json!({ "cmd": "actors" }));
    let names: Vec<&str> =
        table["actors"].as_array().expect("actors").iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, ["m", "n"], "{table}");
    assert_eq!(table["actors"][0]["kind"], "Resident");
    assert_eq!(table["systems"].as_array().map(Vec::len), Some(2), "each has a thread of its own: {table}");
    call(&kernel, "m", &json!(1));
    let rates = kernel.data(json!({ "cmd": "actors", "intervalMs": 20 }));
    assert!(rates["actors"][0]["handledPerS"].is_u64(), "{rates}");
    let swapped = kernel.data(json!({ "cmd": "module.swap", "moduleId": "m" }));
    assert_eq!(swapped["stateBytes"], 4, "{swapped}");
    let refused = kernel.ask(json!({ "cmd": "module.swap", "moduleId": "py" }));
    assert_eq!(refused["code"], "host::swap::rolled_back", "{refused}");
    kernel.file("m.wat", "(component)");
    let refused = kernel.ask(json!({ "cmd": "module.swap", "moduleId": "m" }));
    assert!(refused["error"].to_string().contains("does not export `init"), "{refused}");
    assert_eq!(call(&kernel, "m", &json!(5))["data"], json!(5), "the old code goes on");
    let nobody = kernel.ask(json!({ "cmd": "actors", "intervalMs": 0 }));
    assert_eq!(nobody["code"], "host::door::bad_request");
}

/// Publishes its parameters so many times when it is called.
fn publisher(times: u32) -> String {
    let body = format!(
        "(local $i i32) (loop $again
        (call $publish (i32.const 0) (local.get $at) (local.get $len) (i32.const 512))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const {times}))))
        (call $bytes (local.get $at) (local.get $len))"
    );
    Guest::new().with("init", LISTEN).with("on-call", &body).text()
}

#[test]
fn a_guest_is_heard_no_faster_than_its_pool_gives() {
    let kernel = kernel(
        &[("loud.wat", publisher(400))],
        "pools: {stable: {cap: {messages_per_s: 200}}}\nmodules:\n\
         \x20 loud: {run: loud.wat, provides: [loud], subscribes: [topic.a]}\n",
    );
    assert_eq!(kernel.settle(), Vec::<String>::new());
    let before = kernel.status("loud")["framesIn"].as_u64().expect("a number");
    let begun = Instant::now();
    assert_eq!(
        call(&kernel, "loud", &json!("m"))["data"],
        json!("m"),
        "its answer comes behind what it said"
    );
    eventually("all is heard", || kernel.status("loud")["framesIn"].as_u64() >= Some(before + 400));
    // A second of them may come at once from the purse, and as much from its share; what is beyond that takes its time.
    assert!(begun.elapsed().as_millis() >= 450, "{:?}", begun.elapsed());
}

#[test]
fn a_guest_is_heard_no_faster_than_its_own_limit_says_and_says_it_all() {
    let kernel = kernel(
        &[("loud.wat", publisher(400)), ("free.wat", publisher(400))],
        "modules:\n  loud: {run: loud.wat, provides: [loud], subscribes: [topic.a], limits: {messages_per_s: 200}}\n\
         \x20 free: {run: free.wat, provides: [free], subscribes: [topic.a]}\n",
    );
    kernel.settle();
    let took = |service: &str| {
        let begun = Instant::now();
        assert_eq!(call(&kernel, service, &json!("m"))["data"], json!("m"));
        begun.elapsed().as_millis()
    };
    assert!(took("loud") >= 900, "200 at once, and the other 200 within a second");
    took("free");
    assert!(kernel.status("loud")["framesIn"].as_u64() >= Some(400), "nothing was lost");
    let begun = kernel.status("free")["framesIn"].as_u64();
    assert!(begun >= Some(400), "who has no limit is not held: {begun:?}");
}

#[test]
fn a_guest_that_computes_without_end_gets_as_much_of_a_processor_as_its_limit_says() {
    let kernel = kernel(
        &[("loop.wat", Guest::new().with("on-call", LOOP).text())],
        "modules:\n  spin: {run: loop.wat, provides: [spin], limits: {cpu: 20%}}\n",
    );
    kernel.settle();
    let mut door = kernel.door();
    door.send(&format!(
        "{}\n",
        json!({ "cmd": "call", "service": "spin", "method": "go", "timeoutMs": 60_000 })
    ));
    let cpu_ms = || kernel.status("spin")["cpuMs"].as_u64().expect("a number");
    eventually("it works", || cpu_ms() >= 100);
    let (begun, before) = (Instant::now(), cpu_ms());
    eventually("it works on", || cpu_ms() >= before + 200);
    let passed = begun.elapsed().as_millis();
    assert!(passed >= 600, "a fifth of a second of work within {passed} ms");
    let codes = kernel.codes("spin");
    assert!(!codes.iter().any(|code| code == "governor.killed"), "{codes:?}");
}
