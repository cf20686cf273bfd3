//! `module check --talk`: what a module with manners looks like, and what is said about each that lacks some.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::examples::{is_on_path, skip};
use crate::runner::World;

/// What was found about a thing: its grade and its sentence.
fn found(report: &Value, what: &str) -> (String, String) {
    let all = report["findings"].as_array().expect("a list");
    let one =
        all.iter().find(|finding| finding["what"] == what).unwrap_or_else(|| panic!("no {what} in {report}"));
    (one["grade"].as_str().expect("a word").to_owned(), one["text"].as_str().expect("text").to_owned())
}

/// A module in Python that does what this text says.
fn module(world: &World, features: &str, code: &str) {
    let folder = world.path().join("mine");
    fs::create_dir_all(&folder).expect("it is ours");
    let manifest = format!(
        r#"{{ "id": "mine", "name": "Mine", "permissions": {{}}, "runtime": "python", "entry": "main.py",
             "provides": ["mine"], "configKey": "mine", "features": [{features}], "stop": {{ "grace": "1s" }} }}"#
    );
    fs::write(folder.join("module.json"), manifest).expect("it is ours");
    let frame = "import json, sys, time\ndef say(**frame): print(json.dumps(frame), flush=True)\n\
                 for line in sys.stdin:\n    f = json.loads(line)\n    t = f['type']\n";
    fs::write(folder.join("main.py"), format!("{frame}{code}")).expect("it is ours");
}

fn report(world: &World, code: i32) -> Value {
    let document = world.run("--json module check mine --talk").expect(code).json();
    crate::kernel::check_schema("module check", &document["data"]);
    document["data"].clone()
}

const POLITE: &str = "
    if t == 'init': say(type='ready', manifest={})
    if t == 'ping': say(type='pong')
    if t == 'rpc_request': say(type='rpc_response', id=f['id'], error='no such method')
    if t == 'state:save': say(type='state:saved', id=f['id'], state={'n': 1}, version='1')
    if t == 'state:restore': say(type='state:restored', id=f['id'])
    if t == 'shutdown': sys.exit(0)
";

#[test]
fn what_new_writes_has_manners() {
    for (lang, program) in [("python", "python3"), ("node", "node"), ("shell", "sh")] {
        if !is_on_path(program) {
            skip(&format!("no `{program}` on PATH, so no module of it was talked to"));
            continue;
        }
        let world = World::new();
        world.run(&format!("new mine --lang {lang}")).expect(0);
        let ran = world.run("module check mine --talk").expect(0);
        for what in [
            "handshake",
            "ping",
            "unknown method",
            "unknown frame",
            "config change",
            "long line",
            "shutdown",
            "kernel gone",
        ] {
            assert!(ran.stdout.contains(what), "{lang}: {what}: {}", ran.stdout);
        }
        assert!(!ran.stdout.contains("weak:") && !ran.stdout.contains("bad:"), "{lang}: {}", ran.stdout);
    }
}

#[test]
fn state_is_handed_from_one_life_to_the_next() {
    let world = World::new();
    module(&world, r#""state", "cancel""#, POLITE);
    let report = report(&world, 0);
    for what in ["state saved", "state restored", "cancel", "shutdown", "kernel gone"] {
        assert_eq!(found(&report, what).0, "good", "{what}: {report}");
    }
    assert!(world.run("module check mine --talk --lang pl").expect(0).stdout.contains("stan przejęty"));
}

#[test]
fn a_module_that_does_not_say_ready_is_told_with_its_last_words() {
    let world = World::new();
    module(&world, "", "    sys.exit('no database here')\n");
    let (grade, text) = found(&report(&world, 1), "handshake");
    assert_eq!((grade.as_str(), text.contains("no database here")), ("bad", true), "{text}");
}

#[test]
fn each_lack_of_manners_is_named() {
    let world = World::new();
    let rude = POLITE
        .replace("error='no such method'", "result=1")
        .replace("if t == 'shutdown': sys.exit(0)", "if t == 'shutdown': time.sleep(60)");
    module(&world, "", &format!("{rude}    print('hello')\n    say(type='no-such')\n"));
    let report = report(&world, 1);
    assert_eq!(found(&report, "unknown method").0, "weak");
    assert_eq!(found(&report, "stdout").0, "weak");
    assert_eq!(found(&report, "shutdown").0, "bad");
    let (grade, text) = found(&report, "frames");
    assert_eq!((grade.as_str(), text.contains("unknown type: no-such")), ("bad", true), "{text}");
}

#[test]
fn a_module_that_outlives_its_stdin_is_found() {
    let world = World::new();
    module(&world, "", &format!("{POLITE}time.sleep(60)\n"));
    let (grade, text) = found(&report(&world, 1), "kernel gone");
    assert_eq!((grade.as_str(), text.contains("left behind")), ("bad", true), "{text}");
}

#[test]
fn nothing_is_run_without_the_word() {
    let world = World::new();
    let folder = world.path().join("mine");
    fs::create_dir(&folder).expect("it is ours");
    let manifest =
        r#"{ "id": "mine", "name": "Mine", "permissions": {}, "runtime": "binary", "entry": "run.sh" }"#;
    fs::write(folder.join("module.json"), manifest).expect("it is ours");
    fs::write(folder.join("run.sh"), "#!/bin/sh\ntouch ran\n").expect("it is ours");
    fs::set_permissions(folder.join("run.sh"), fs::Permissions::from_mode(0o755)).expect("it is ours");
    world.run("module check mine").expect(0);
    assert!(!folder.join("ran").exists());
    world.run("module check mine --talk").expect(1);
    assert!(folder.join("ran").exists());
}
