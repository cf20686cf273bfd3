//! State over planned restarts, with real modules: what comes back after a restart, a change of files and another kernel; what
//! doesn't after a fall; and that whatever goes wrong is told and the module begins without.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use abi::Wall;
use host::Home;
use protocol::files::config::settings::Backups as Rules;
use serde_json::{Value, json};
use store::{Backups, KeptStates, LocalDisk, Trust, Wanted};

use crate::guests::Guest;
use crate::kernel::{Kernel, eventually, python};
use crate::secrets::{Kept, NAME, VALUE};

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
    let counts =
        kernel.data(json!({ "cmd": "call", "service": "counter", "method": "next", "timeoutMs": 15_000 }));
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
    kernel.data(json!({ "cmd": "kernel.reload" }));
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
    let aside = kernel.path().join("state/kept/counter~refused");
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

/// Reads its secret, and remembers its length and a word.
const KEEPER: &str = "\
from ostoja import *
@service('keeper')
class Keeper:
    def go(self): return len(secret('NAME'))
@hook('save')
def save(): return {'word': 'remembered-7d21', 'length': len(secret('NAME'))}
run()
";

/// All that a file holds, also what is compressed in it.
fn bytes_of(root: &Path, path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).expect("read");
    if path.parent() == Some(&root.join("state/kept")) {
        let states = KeptStates::new(Arc::new(LocalDisk), &root.join("state/kept"));
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let kept = states.find(&abi::ModuleId::parse(name).expect("a module")).expect("read").expect("there");
        bytes.extend(kept.state);
    }
    bytes
}

/// How many files below a folder hold these bytes, and how many there are.
fn holding(root: &Path, folder: &Path, wanted: &[u8]) -> (usize, usize) {
    let (mut holding_it, mut all) = (0, 0);
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            let (more, count) = holding(root, &path, wanted);
            (holding_it, all) = (holding_it + more, all + count);
        } else if path.is_file() {
            all += 1;
            holding_it += usize::from(bytes_of(root, &path).windows(wanted.len()).any(|part| part == wanted));
        }
    }
    (holding_it, all)
}

#[test]
fn no_backup_and_no_snapshot_holds_a_secret_in_clear_when_all_of_it_is_decompressed() {
    let mut kept = Kept::with(
        "modules:\n  keeper: {run: [python3, m.py], protocol: lines, provides: [keeper], features: [state], \
         state: all, permissions: {secrets: [db.password]}}\n",
    );
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/python/ostoja.py");
    kept.kernel.file("ostoja.py", &fs::read_to_string(sdk).expect("the SDK is there"));
    kept.kernel.file("m.py", &KEEPER.replace("NAME", NAME));
    kept.start();
    kept.kernel.settle();
    let length =
        kept.kernel.data(json!({ "cmd": "call", "service": "keeper", "method": "go", "timeoutMs": 15_000 }));
    assert_eq!(length, json!(VALUE.len()), "it had the secret in its memory");
    kept.kernel.data(json!({ "cmd": "snapshot", "verb": "create" }));
    let home = Home::at(kept.kernel.path());
    let mut backups = Backups::new(Arc::new(LocalDisk), &home.state());
    let sources = host::backup::sources(&home, &Rules::default());
    backups.create((Wall(1), None), home.root(), &sources, Trust::Nothing).expect("made");
    let all = backups.all().expect("read");
    assert_eq!(all.len(), 2);
    let (mut remembered, mut looked_at) = (0, 0);
    for backup in &all {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("all");
        backups.restore_to(backup, Wanted::All, &root).expect("laid out");
        let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
        for spelling in [VALUE.as_bytes(), hex.as_bytes()] {
            assert_eq!(holding(&root, &root, spelling).0, 0, "backup {}", backup.number);
        }
        let (found, count) = holding(&root, &root, b"remembered-7d21");
        (remembered, looked_at) = (remembered + found, looked_at + count);
    }
    assert_eq!(remembered, 1, "what a module remembers is found, so that a secret would be");
    assert!(looked_at > 4, "{looked_at} files");
    assert_eq!(holding(&home.state(), &home.state(), VALUE.as_bytes()).0, 0, "and nothing lies beside them");
}
