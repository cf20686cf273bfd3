//! State over planned restarts, with real modules: what comes back after a restart, a change of files and another kernel; what
//! doesn't after a fall; and that whatever goes wrong is told and the module begins without.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::guests::Guest;
use crate::kernel::{Kernel, eventually, python};

/// Counts its calls, with the Python SDK, whose hooks are all that a module has to do with its state.
const COUNTER: &str = "\
import os
from ostoja import *
counts = {'n': 0, 'cache': 0}
@service('counter')
class Counter:
    def next(self):
        counts['n'] += 1
        counts['cache'] += 1
        return counts
    def fall(self):
        os._exit(3)
@hook('save')
def save(): return counts
@hook('restore')
def restore(state, version):
    if FORM: raise Failure('a form of long ago')
    counts.update(state)
run()
";

fn project(state: &str) -> String {
    format!(
        "modules:\n  counter: {{run: [python3, m.py], protocol: lines, provides: [counter], features: [state]{state}}}\n"
    )
}

fn home(state: &str) -> Kernel {
    let kernel = Kernel::home(&project(state));
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/python/ostoja.py");
    kernel.file("ostoja.py", &fs::read_to_string(sdk).expect("the SDK is there"));
    kernel.file("m.py", &COUNTER.replace("FORM", "False"));
    kernel
}

fn started(state: &str) -> Kernel {
    let mut kernel = home(state);
    kernel.start();
    kernel.settle();
    kernel
}

fn next(kernel: &Kernel) -> (u64, u64) {
    let counts = kernel.data(json!({ "cmd": "call", "service": "counter", "method": "next", "timeoutMs": 15_000 }));
    let of = |name: &str| counts[name].as_u64().expect("a number");
    (of("n"), of("cache"))
}

fn restart(kernel: &Kernel) {
    kernel.data(json!({ "cmd": "module.restart", "moduleId": "counter" }));
}

fn fact(kernel: &Kernel, code: &str, name: &str) -> Value {
    let record = || {
        let story = kernel.data(json!({ "cmd": "why", "moduleId": "counter", "limit": 1000 }));
        let rows = story["records"].as_array().expect("records").clone();
        rows.into_iter().rev().find(|row| row["code"] == code)
    };
    eventually(&format!("{code} is journaled"), || record().is_some());
    record().expect("it is there")["facts"][name].clone()
}

#[test]
fn all_of_it_comes_back_after_a_restart_a_stop_a_change_and_another_kernel() {
    let mut kernel = started(", state: all");
    assert_eq!(next(&kernel), (1, 1));
    restart(&kernel);
    assert_eq!(next(&kernel), (2, 2));
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "counter" }));
    kernel.data(json!({ "cmd": "module.start", "moduleId": "counter" }));
    assert_eq!(next(&kernel), (3, 3));
    kernel.file("ostoja.yaml", &project(", state: all, max_restarts: 4"));
    kernel.data(json!({ "cmd": "module.reload" }));
    kernel.settle();
    assert_eq!(next(&kernel), (4, 4));
    kernel.signal(rustix::process::Signal::TERM);
    assert!(kernel.wait().success());
    kernel.start();
    kernel.settle();
    assert_eq!(next(&kernel), (5, 5));
    assert!(!kernel.path().join("state/kept/counter").exists(), "it was handed on and is kept no more");
}

#[test]
fn only_declared_members_are_kept() {
    let kernel = started(", state: {keys: [n]}");
    assert_eq!((next(&kernel), next(&kernel)), ((1, 1), (2, 2)));
    restart(&kernel);
    assert_eq!(next(&kernel), (3, 1));
    assert_eq!(fact(&kernel, "state.kept", "bytes"), json!(br#"{"n":2}"#.len()));
}

#[test]
fn who_says_nothing_of_it_begins_anew_and_so_does_who_fell() {
    let kernel = started("");
    assert_eq!(next(&kernel), (1, 1));
    restart(&kernel);
    assert_eq!(next(&kernel), (1, 1));
    let kernel = started(", state: all");
    assert_eq!(next(&kernel), (1, 1));
    restart(&kernel);
    assert_eq!(next(&kernel), (2, 2));
    let before = kernel.module_pid("counter");
    kernel.ask(json!({ "cmd": "call", "service": "counter", "method": "fall", "timeoutMs": 15_000 }));
    eventually("another life is ready", || {
        kernel.state("counter") == "ready" && kernel.module_pid("counter") != before
    });
    assert_eq!(next(&kernel), (1, 1), "what was handed on once is never handed on again");
}

#[test]
fn what_the_next_life_refuses_is_journaled_and_set_aside() {
    let kernel = started(", state: all");
    assert_eq!(next(&kernel), (1, 1));
    kernel.file("m.py", &COUNTER.replace("FORM", "True"));
    restart(&kernel);
    assert_eq!(next(&kernel), (1, 1));
    let why = fact(&kernel, "state.refused", "why");
    assert!(why.as_str().is_some_and(|why| why.contains("a form of long ago")), "{why}");
    let aside = kernel.path().join("state/kept/counter.refused");
    eventually("it is set aside", || aside.is_file());
    kernel.file("m.py", &COUNTER.replace("FORM", "False"));
}

#[test]
fn a_damaged_file_is_told_and_never_handed_on() {
    let kernel = started(", state: all");
    assert_eq!(next(&kernel), (1, 1));
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "counter" }));
    let path = kernel.path().join("state/kept/counter");
    eventually("it is kept", || path.is_file());
    let mut bytes = fs::read(&path).expect("read");
    *bytes.last_mut().expect("it has bytes") ^= 1;
    fs::write(&path, bytes).expect("written");
    kernel.data(json!({ "cmd": "module.start", "moduleId": "counter" }));
    assert_eq!(next(&kernel), (1, 1));
    let why = fact(&kernel, "state.not_taken", "why");
    assert!(why.as_str().is_some_and(|why| why.contains("hash")), "{why}");
}

#[test]
fn single_members_of_what_is_no_object_are_not_kept() {
    let module = "for f in frames():\n\
        \x20   if f['type']=='init': say(type='ready')\n\
        \x20   if f['type']=='state:save': say(type='state:saved', id=f['id'], state=[1], version='1')\n";
    let mut kernel = home(", state: {keys: [n]}");
    kernel.file("m.py", &python(module));
    kernel.start();
    kernel.settle();
    restart(&kernel);
    let why = fact(&kernel, "state.not_kept", "why");
    assert!(why.as_str().is_some_and(|why| why.contains("no JSON object")), "{why}");
}

#[test]
fn a_webassembly_module_keeps_its_state_too() {
    let count = "(global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.store8 (i32.const 80) (i32.add (i32.const 48) (global.get $count)))
        (call $bytes (i32.const 80) (i32.const 1))";
    let mut kernel = Kernel::home("modules:\n  counter: {run: m.wat, provides: [counter], state: all}\n");
    kernel.file("m.wat", &Guest::new().with("on-call", count).text());
    kernel.start();
    kernel.settle();
    let next = |kernel: &Kernel| {
        kernel.data(json!({ "cmd": "call", "service": "counter", "method": "next", "timeoutMs": 15_000 }))
    };
    assert_eq!((next(&kernel), next(&kernel)), (json!(1), json!(2)));
    restart(&kernel);
    assert_eq!(next(&kernel), json!(3));
    kernel.signal(rustix::process::Signal::TERM);
    assert!(kernel.wait().success());
    kernel.start();
    kernel.settle();
    assert_eq!(next(&kernel), json!(4));
    assert_eq!(fact(&kernel, "state.restored", "bytes"), json!(4));
}
