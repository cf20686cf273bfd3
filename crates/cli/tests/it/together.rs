//! Updates of several modules with a real kernel and real modules in Python: all become new or none does, no caller ever
//! sees one of them new and the other old, and what is worse takes all of them back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::kernel::check_schema;
use crate::updates::Home;

/// `front` answers with what `back` answers, both with their versions and with how often they were called; that number is
/// their state. What is odd about a version is put in the place of `ODD`.
const MODULE: &str = r"
import json, sys
def say(**frame): print(json.dumps(frame), flush=True)
n, waiting = 0, {}
say(type='ready', manifest={})
for line in sys.stdin:
    f = json.loads(line)
    if f['type'] == 'ping': say(type='pong')
    elif f['type'] == 'shutdown': break
    elif f['type'] == 'state:save': say(type='state:saved', id=f['id'], state=n, version='1')
    elif f['type'] == 'state:restore': n = f['state']; say(type='state:restored', id=f['id'])
    elif f['type'] == 'rpc_request':
        n += 1
        ODD
        if 'NAME' == 'back': say(type='rpc_response', id=f['id'], result=['VERSION', n])
        else:
            waiting[str(n)] = f['id']
            say(type='rpc_request', id=str(n), service='back', method='take')
    elif f['type'] == 'rpc_response':
        own = waiting.pop(f['id'])
        if 'error' in f: say(type='rpc_response', id=own, error=f['error'])
        else: say(type='rpc_response', id=own, result=['VERSION', n] + f['result'])
";

/// 500 calls: far more than any of these tests leaves time for.
const CALLS_MAX: usize = 500;

/// What a package is made of, beside the rest.
#[derive(Clone, Copy, Default)]
struct Odd {
    /// A line of the program, where a call arrives.
    call: &'static str,
    /// `update.json`.
    declared: &'static str,
}

/// A package of one of the two.
fn packed(home: &Home, name: &str, version: &str, odd: Odd) -> String {
    let folder = home.path().join(format!("{name}-{version}"));
    fs::create_dir_all(&folder).expect("it is ours");
    let requires = if name == "front" { ", \"requires\": [\"back\"]" } else { "" };
    let manifest = format!(
        "{{ \"id\": \"{name}\", \"name\": \"{name}\", \"version\": \"{version}\", \"runtime\": \"python\",
           \"entry\": \"main.py\", \"provides\": [\"{name}\"]{requires}, \"features\": [\"state\"],
           \"permissions\": {{}} }}"
    );
    let call = if odd.call.is_empty() { "pass" } else { odd.call };
    let program = MODULE.replace("NAME", name).replace("VERSION", version).replace("ODD", call);
    let write = |file: &str, text: &str| fs::write(folder.join(file), text).expect("it is ours");
    write("module.json", &manifest);
    write("main.py", program.trim_start());
    if !odd.declared.is_empty() {
        write("update.json", odd.declared);
    }
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.join("main.py"), mode).expect("it is ours");
    let file = format!("{name}-{version}.okm");
    home.run(&format!("module pack {name}-{version} -o {file}")).expect(0);
    file
}

/// A home in which both run with version 1.0.0, brought together.
fn started(probation: &str) -> Home {
    let home = Home::start_for(probation, &["front", "back"]);
    let (front, back) =
        (packed(&home, "front", "1.0.0", Odd::default()), packed(&home, "back", "1.0.0", Odd::default()));
    let done = home.data(&format!("update apply {front} {back} --approve"));
    check_schema("update apply", &done);
    assert_eq!((&done["moduleId"], &done["also"][0]["moduleId"]), (&json!("back"), &json!("front")));
    home
}

/// What `front` answers: its version, its count, the version and the count of `back`.
#[track_caller]
fn called(home: &Home) -> Value {
    home.data("call front buy")["result"].take()
}

fn pid(home: &Home, module: &str) -> u64 {
    let modules = home.data("ps")["modules"].take();
    let row = modules
        .as_array()
        .expect("a list")
        .iter()
        .find(|row| row["id"] == module)
        .expect("it is there")
        .clone();
    row["pid"].as_u64().expect("it runs")
}

#[test]
fn both_become_new_in_one_flip_under_calls_and_go_back_in_one() {
    let home = started("60s");
    home.ends_well(0);
    let (front, back) =
        (packed(&home, "front", "2.0.0", Odd::default()), packed(&home, "back", "2.0.0", Odd::default()));
    let plan = home.data(&format!("update plan {front} {back} --strategy hot"));
    check_schema("update plan FILE FILE", &plan);
    let is_over = AtomicBool::new(false);
    let pids = (pid(&home, "front"), pid(&home, "back"));
    thread::scope(|scope| {
        let calls = scope.spawn(|| {
            let mut seen = Vec::new();
            // Bounded, so that a failure of the other thread is not waited for without an end.
            while !is_over.load(Ordering::Acquire) && seen.len() < CALLS_MAX {
                seen.push(called(&home));
            }
            seen
        });
        let done = home.data(&format!("update apply {front} {back} --strategy hot"));
        let status = home.data("update status");
        is_over.store(true, Ordering::Release);
        let seen = calls.join().expect("no call was refused");
        for (at, answer) in seen.iter().enumerate() {
            assert_eq!(answer[0], answer[2], "never one of them new and the other old: {seen:?}");
            assert_eq!(
                (&answer[1], &answer[3]),
                (&json!(at + 1), &json!(at + 1)),
                "state went over: {seen:?}"
            );
        }
        assert_eq!((&done["phase"], &done["transaction"]), (&json!("tried"), &json!(1)), "{done}");
        check_schema("update status", &status);
        let row = &status["transactions"][0];
        assert_eq!((&row["phase"], row["modules"].as_array().map(Vec::len)), (&json!("tried"), Some(2)));
    });
    assert_eq!(called(&home)[0], "2.0.0");
    assert_eq!(home.data("ps")["modules"][0]["restartsTotal"], 0, "a swap is no restart");
    // The other one is named; both go back, to the lives that were kept.
    let undone = home.data("update rollback front");
    assert_eq!(undone["phase"], "rolled-back", "{undone}");
    let answer = called(&home);
    assert_eq!((&answer[0], &answer[2]), (&json!("1.0.0"), &json!("1.0.0")), "{answer}");
    assert_eq!((pid(&home, "front"), pid(&home, "back")), pids);
    assert!(home.run("update status").expect(0).stderr.contains("nothing is on its way"));
}

#[test]
fn one_that_does_not_get_ready_leaves_both_as_they_were() {
    let home = started("60s");
    home.ends_well(0);
    let front = packed(&home, "front", "2.0.0", Odd::default());
    // A version that is packed with a program which falls before it is ready.
    packed(&home, "back", "2.0.0", Odd::default());
    let folder = home.path().join("back-3.0.0");
    fs::rename(home.path().join("back-2.0.0"), &folder).expect("it is ours");
    let manifest = fs::read_to_string(folder.join("module.json")).expect("it is ours");
    fs::write(folder.join("module.json"), manifest.replace("2.0.0", "3.0.0")).expect("it is ours");
    fs::write(folder.join("main.py"), "raise SystemExit(3)\n").expect("it is ours");
    home.run("module pack back-3.0.0 -o back-3.0.0.okm").expect(0);
    let pids = (pid(&home, "front"), pid(&home, "back"));
    let ran = home.run(&format!("update apply {front} back-3.0.0.okm --strategy hot --json")).expect(8);
    assert_eq!(ran.error_code(), "host::update::rolled_back");
    assert!(ran.json()["error"].as_str().is_some_and(|why| why.contains("`back`, `front`")), "{ran:?}");
    assert_eq!((pid(&home, "front"), pid(&home, "back")), pids, "a hot one touches nobody before the flip");
    let answer = called(&home);
    assert_eq!((&answer[0], &answer[2]), (&json!("1.0.0"), &json!("1.0.0")), "{answer}");
    let ended = home.ended(1);
    assert_eq!(ended["outcome"], "rolled-back");
    assert_eq!(ended["versions"], json!({ "back": "3.0.0", "front": "2.0.0" }));
}

#[test]
fn one_that_falls_on_probation_takes_both_back_also_when_they_were_stopped_and_started() {
    let home = started("60s");
    home.ends_well(0);
    for (number, way) in [(1, "hot"), (2, "restart")] {
        let version = format!("{}.0.0", number + 1);
        let falls = Odd { call: "sys.exit(4)", ..Odd::default() };
        let (front, back) =
            (packed(&home, "front", &version, Odd::default()), packed(&home, "back", &version, falls));
        home.run(&format!("update apply {front} {back} --strategy {way}")).expect(0);
        home.run("call front buy").expect(1);
        let ended = home.ended(number);
        assert_eq!(ended["outcome"], "rolled-back", "{ended}");
        assert!(ended["evidence"].as_str().is_some_and(|why| why.starts_with("back: ")), "{ended}");
        home.becomes_by("front", "[\"1.0.0\",");
        let answer = called(&home);
        assert_eq!((&answer[0], &answer[2]), (&json!("1.0.0"), &json!("1.0.0")), "{way}: {answer}");
    }
}

#[test]
fn a_kernel_that_is_killed_in_the_middle_finds_all_of_them_old_or_all_new() {
    let home = started("60s");
    home.ends_well(0);
    let (front, back) =
        (packed(&home, "front", "2.0.0", Odd::default()), packed(&home, "back", "2.0.0", Odd::default()));
    home.run(&format!("update apply {front} {back} --strategy staged")).expect(0);
    assert_eq!(called(&home)[0], "1.0.0");
    home.kill();
    home.up();
    home.becomes_by("front", "[\"2.0.0\",");
    assert_eq!(called(&home)[2], "2.0.0");
    home.kill();
    home.up();
    home.becomes_by("front", "[\"2.0.0\",");
    let status = home.data("update status");
    assert_eq!(status["transactions"][0]["phase"], "tried", "its probation goes on: {status}");
    home.run("update rollback back").expect(0);
    home.becomes_by("front", "[\"1.0.0\",");
    assert_eq!(called(&home)[2], "1.0.0");
}

#[test]
fn new_versions_are_held_against_each_other_and_not_against_the_old_ones() {
    let home = started("200ms");
    home.ends_well(0);
    let needs = Odd { declared: "{ \"needs\": { \"front\": \"^2\" } }", ..Odd::default() };
    let (front, back) =
        (packed(&home, "front", "2.0.0", Odd::default()), packed(&home, "back", "2.0.0", needs));
    let alone = home.run(&format!("update plan {back} --json")).expect(7).json()["data"].take();
    assert_eq!(alone["obstacles"][0]["code"], "update::plan::version", "{alone}");
    home.run(&format!("update plan {front} {back}")).expect(0);
    let twice = home.run(&format!("update apply {front} {front} --json"));
    assert_ne!(twice.code, 0);
    assert_eq!(twice.error_code(), "host::update::twice");
    // In the other order than they were signed.
    home.run(&format!("update apply {back} {front}")).expect(0);
    assert_eq!(called(&home)[0], "2.0.0");
    let last = home.data("update list")["modules"][0]["transaction"].as_u64().expect("it is on probation");
    assert_eq!(home.ended(last)["outcome"], "committed");
}
