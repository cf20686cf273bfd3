//! `dev` and `replay`: what is written is what runs, what passes is shown and kept, and nothing is left behind.

use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::kernel::{check_schema, read_until};
use crate::runner::{Ran, World, finish};

/// A running `dev --json`.
struct Dev<'w> {
    world: &'w World,
    child: Child,
    lines: BufReader<ChildStdout>,
    home: String,
}

impl<'w> Dev<'w> {
    fn start(world: &'w World, more: &[&str]) -> Self {
        let mut words = vec!["--json", "dev", "mine"];
        words.extend(more);
        let mut child = world.command(words).env_remove("OSTOJA_HOME").spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let told = read_until(&mut lines, r#""event":"settled""#);
        let mut events = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let door = events.find(|event| event["data"]["step"] == "door").expect("it has a door");
        let socket = PathBuf::from(door["data"]["found"].as_str().expect("a path"));
        let home = socket.parent().and_then(Path::parent).expect("in a home").display().to_string();
        Self { world, child, lines, home }
    }

    /// The next event of this kind, every line of which keeps to its schema.
    fn next(&mut self, kind: &str) -> Value {
        let told = read_until(&mut self.lines, &format!(r#""event":"{kind}""#));
        let mut events: Vec<Value> =
            told.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect();
        events.iter().for_each(|event| check_schema("dev", event));
        events.pop().expect("there is one")["data"].take()
    }

    fn call(&self, method: &str, params: &str) -> String {
        let ran = self.world.run_words(&["--home", &self.home, "call", "mine", method, params]).expect(0);
        ran.stdout.trim().to_owned()
    }

    fn stop(self) -> Ran {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
        let mut rest = String::new();
        let mut lines = self.lines;
        lines.read_to_string(&mut rest).expect("text");
        assert!(rest.contains(r#""event":"stopped""#), "{rest}");
        let ran = finish(self.child).expect(0);
        assert!(!Path::new(&self.home).exists(), "its home is gone");
        ran
    }
}

/// Written as editors do that keep the old file until the new one is whole.
fn rename_over(file: &Path, text: &str) {
    let aside = file.with_file_name(".aside.swp");
    fs::write(&aside, text).expect("it is ours");
    fs::rename(&aside, file).expect("it is ours");
}

#[test]
fn what_is_written_is_what_runs_and_a_record_is_played_again() {
    let world = World::new();
    world.run("new mine --lang python").expect(0);
    let file = world.path().join("mine/main.py");
    let source = fs::read_to_string(&file).expect("it was written");
    let mut dev = Dev::start(&world, &["--record", "talk.jsonl"]);
    assert_eq!(dev.call("hello", r#"{"name":"Ada"}"#), "hello Ada");
    let mut frame = dev.next("frame");
    while frame["frame"]["type"] != "rpc_response" {
        frame = dev.next("frame");
    }
    assert_eq!(
        (frame["way"].as_str(), frame["frame"]["result"].as_str()),
        (Some("from_module"), Some("hello Ada"))
    );
    rename_over(&file, &source.replace("'greeting', 'hello'", "'none', 'servus'"));
    let told = dev.next("reloaded");
    assert_eq!((told["moduleId"].as_str(), told["how"].as_str()), (Some("mine"), Some("restarted")));
    assert_eq!(told["files"], serde_json::json!(["main.py"]));
    assert_eq!(dev.call("hello", r#"{"name":"Ada"}"#), "servus Ada");
    dev.stop();

    let ran = world.run("--json replay talk.jsonl mine").expect(1);
    let told = ran.json()["data"].clone();
    check_schema("replay", &told);
    assert_eq!(told["differences"][0]["expected"]["result"], "hello Ada", "{told}");
    assert_eq!(told["differences"][0]["got"]["result"], "servus Ada", "{told}");
    fs::write(&file, source).expect("it is ours");
    let ran = world.run("replay talk.jsonl mine").expect(0);
    assert!(ran.stdout.contains("2 of 2 frames as they were"), "{}", ran.stdout);
    assert_eq!(
        world.run("--json replay talk.jsonl nowhere").expect(4).error_code(),
        "cli::module::not_found"
    );
    fs::write(world.path().join("broken.jsonl"), "{}\n").expect("it is ours");
    let ran = world.run("--json replay broken.jsonl mine").expect(1);
    assert_eq!(ran.error_code(), "cli::replay::broken");
    fs::write(world.path().join("empty.jsonl"), "").expect("it is ours");
    assert_eq!(world.run("--json replay empty.jsonl mine").expect(1).error_code(), "cli::replay::nothing");
}

#[test]
fn a_broken_description_changes_nothing_until_it_is_mended() {
    let world = World::new();
    world.run("new mine --lang python").expect(0);
    let manifest = world.path().join("mine/module.json");
    let whole = fs::read_to_string(&manifest).expect("it was written");
    let mut dev = Dev::start(&world, &[]);
    fs::write(&manifest, whole.replace("\"0.1.0\",", "\"0.1.0\"")).expect("it is ours");
    let told = dev.next("not_reloaded");
    let message = told["message"].as_str().expect("text");
    assert!(message.contains("module.json:") && !message.contains("module.json:0"), "{told}");
    assert_eq!(dev.call("hello", r#"{"name":"Ada"}"#), "hello Ada");
    fs::write(&manifest, whole.replace("0.1.0", "0.2.0")).expect("it is ours");
    assert_eq!(dev.next("reloaded")["how"], "reread");
    assert_eq!(dev.call("hello", r#"{"name":"Ada"}"#), "hello Ada");
    let project = world.path().join("mine/ostoja.yaml");
    let text = fs::read_to_string(&project).expect("it was written");
    rename_over(&project, "modules: [\n");
    assert!(dev.next("not_reloaded")["message"].as_str().expect("text").contains("ostoja.yaml:"));
    rename_over(&project, &text);
    assert_eq!(dev.next("reloaded")["how"], "reread");
    dev.stop();
}

#[test]
fn a_module_of_webassembly_is_swapped_and_one_that_does_not_compile_is_not() {
    let world = World::new();
    world.run("new mine --lang wasm").expect(0);
    let file = world.path().join("mine/main.wat");
    let source = fs::read_to_string(&file).expect("it was written");
    let mut dev = Dev::start(&world, &[]);
    assert_eq!(dev.call("add", "[1,2]"), "3");
    fs::write(&file, format!("{source}\n;; written anew\n")).expect("it is ours");
    assert_eq!(dev.next("reloaded")["how"], "swapped");
    rename_over(&file, "(module");
    let told = dev.next("not_reloaded");
    assert_eq!(told["code"], "host::swap::rolled_back", "{told}");
    assert_eq!(dev.call("add", "[1,2]"), "3");
    dev.stop();
}

#[test]
fn what_is_refused_is_shown_with_what_would_allow_it() {
    let world = World::new();
    world.run("new mine --lang python").expect(0);
    let source = "from ostoja import call, hook, run, service\n\n\n@service('mine', 'hello')\ndef hello(): return 1\n\n\n\
                  @hook('ready')\ndef ready(): call('weather', 'today')\n\n\nrun()\n";
    fs::write(world.path().join("mine/main.py"), source).expect("it is ours");
    let mut child =
        world.command(["--json", "dev", "mine"]).env_remove("OSTOJA_HOME").spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let told = read_until(&mut lines, r#""event":"denied""#);
    assert!(told.contains(r#"\"weather\" to optionalRequires"#), "{told}");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    // The pipe is read to its end, so that a full one does not hold the end up.
    lines.read_to_string(&mut String::new()).expect("text");
    finish(child).expect(0);
    let left = fs::read_dir(world.path()).expect("it is there").flatten();
    let names: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["mine"], "nothing but what was there");
}

#[test]
fn frames_fit_the_terminal_and_a_folder_without_a_module_is_refused() {
    let world = World::new();
    world.run("new mine --lang python").expect(0);
    fs::remove_file(world.path().join("mine/ostoja.yaml")).expect("it was written");
    let mut child = world
        .command(["dev", "mine"])
        .env_remove("OSTOJA_HOME")
        .env("COLUMNS", "80")
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let told = read_until(&mut lines, "ready ");
    assert!(told.contains("init") && told.lines().all(|line| line.chars().count() <= 80), "{told}");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    lines.read_to_string(&mut String::new()).expect("text");
    let ran = finish(child).expect(0);
    assert!(ran.stderr.contains("from another terminal: ostoja --home "), "{}", ran.stderr);
    assert_eq!(world.run("--json dev .").expect(4).error_code(), "cli::dev::nothing");
    fs::write(world.path().join("mine/module.json"), "{\n  \"id\": }\n").expect("it is ours");
    let ran = world.run("dev mine");
    assert!(ran.code != 0 && ran.stderr.contains("module.json:2:"), "{ran:?}");
}

#[test]
fn what_a_module_needed_is_told_at_the_end_and_written_on_wish() {
    let world = World::new();
    world.run("new mine --lang python").expect(0);
    let secret = world.path().join("secret");
    fs::write(&secret, "s").expect("it is ours");
    let file = world.path().join("mine/main.py");
    let source = fs::read_to_string(&file).expect("it was written");
    let attempt = format!("try:\n    open('{}').read()\nexcept OSError:\n    pass\n", secret.display());
    // Behind what has to come first in a file.
    fs::write(&file, source.replacen("from ostoja", &format!("{attempt}from ostoja"), 1))
        .expect("it is ours");
    if !host::can_observe() {
        let ran = world.run("--json dev mine --observe").expect(1);
        assert_eq!(ran.error_code(), "cli::dev::not_observable");
        return;
    }
    let mut dev = Dev::start(&world, &["--observe", "--write"]);
    assert_eq!(dev.call("hello", r#"{"name":"Ada"}"#), "hello Ada");
    kill_process(Pid::from_child(&dev.child), Signal::INT).expect("it runs");
    let told = dev.next("observed");
    assert_eq!((told["moduleId"].as_str(), told["held"].as_str()), (Some("mine"), Some("closed")));
    let wanted = secret.display().to_string();
    let home = world.path().display().to_string();
    let value = told["needed"]["read"][0].as_str().expect("it wanted to read").replace('~', &home);
    assert_eq!(value, wanted, "{told}");
    dev.stop();
    let manifest = fs::read_to_string(world.path().join("mine/module.json")).expect("it is there");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["permissions"], told["needed"]);
    let ran = world.run("dev mine --write").expect(2);
    assert!(ran.stderr.contains("--observe"), "{}", ran.stderr);
}
