//! Against a played kernel: every verb, as text and as JSON that keeps to its schema.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use cli::schema::{Shape, outputs};
use serde_json::Value;

use crate::runner::{Ran, World, finish};
use crate::stage::{Played, shop};

/// A command line, the verb whose schema it keeps to, and its exit code.
const LINES: [(&str, &str, i32); 69] = [
    ("up -d", "up -d", 3),
    ("up --dry-run", "--dry-run of any verb but config, service", 0),
    ("ps", "ps", 0),
    ("ps --state ready", "ps", 0),
    ("status", "status", 0),
    ("status web", "status MODULE", 0),
    ("status worker", "status MODULE", 3),
    ("start web", "start", 0),
    ("start web worker", "start", 1),
    ("start web --dry-run", "--dry-run of any verb but config, service", 0),
    ("stop web", "stop", 0),
    ("stop web --dry-run", "--dry-run of any verb but config, service", 0),
    ("restart web", "restart", 0),
    ("restart web --dry-run", "--dry-run of any verb but config, service", 0),
    ("reload", "reload", 0),
    ("reload config --dry-run", "--dry-run of any verb but config, service", 0),
    ("logs", "logs", 0),
    ("logs -f", "logs -f", 0),
    ("call web hello", "call", 0),
    ("call web list", "call", 0),
    ("publish topic a=1", "publish", 0),
    ("subscribe topic", "subscribe", 0),
    ("subscribe topic -n 1", "subscribe", 0),
    ("events", "events", 0),
    ("events records,logs,usage -n 1 --since oldest", "events", 0),
    ("top -n 1", "top -n 1", 0),
    ("top -n 2", "top", 0),
    ("restart web --hot", "restart --hot", 0),
    ("actors", "actors", 0),
    ("actors --hot 1", "actors", 0),
    ("fn run double 21", "fn run", 0),
    ("fn put double /dev/null run=kernel.call", "fn put", 0),
    ("fn list", "fn list", 0),
    ("fn rm double", "fn rm", 0),
    ("fn stats", "fn stats", 0),
    ("why web", "why", 0),
    ("why worker --lang pl", "why", 0),
    ("run -d -- sleep 5", "run -d", 0),
    ("module list", "module list", 0),
    ("module install .", "module install", 0),
    ("module approve web --yes", "module approve", 0),
    ("module approve web --dry-run", "--dry-run of any verb but config, service", 0),
    ("module uninstall web --dry-run", "--dry-run of any verb but config, service", 0),
    ("module update web .", "module update", 0),
    ("module update web . --dry-run", "--dry-run of any verb but config, service", 0),
    ("module show web", "module show", 0),
    ("module perms web", "module perms", 0),
    ("module profile web", "module profile", 0),
    ("permissions list", "permissions list", 0),
    ("permissions list web", "permissions list", 0),
    ("permissions pending", "permissions pending", 0),
    ("context list", "context list", 0),
    ("context get session:chat topic", "context get", 0),
    ("context set session:chat topic weather", "context set", 0),
    ("context delete session:chat topic", "context delete", 0),
    ("permissions grant web --dry-run", "--dry-run of any verb but config, service", 0),
    ("permissions deny 4f0c --dry-run", "--dry-run of any verb but config, service", 0),
    ("permissions revoke web --dry-run", "--dry-run of any verb but config, service", 0),
    ("kernel start -d", "kernel start -d", 3),
    ("kernel stop", "kernel stop", 0),
    ("kernel stop --dry-run", "--dry-run of any verb but config, service", 0),
    ("kernel safe-mode", "kernel safe-mode", 0),
    ("zone list", "zone list", 0),
    ("zone promote web", "zone promote", 0),
    ("zone restart sandbox", "zone restart", 0),
    ("zone reset sandbox", "zone reset", 0),
    ("kernel resume", "kernel resume", 0),
    ("down", "down", 0),
    ("down --dry-run", "--dry-run of any verb but config, service", 0),
];

/// Lines that need no kernel, kept to their schemas here too.
const LINES_ALONE: [(&str, &str, i32); 26] = [
    ("docs", "docs", 0),
    ("docs for-pm2-users --lang pl", "docs", 0),
    ("", "(none)", 0),
    ("new mine --lang python", "new", 0),
    ("config set a.b 1", "config set", 0),
    ("config get a.b", "config get", 0),
    ("config list", "config list", 0),
    ("config show --origin", "config show", 0),
    ("config check", "config check", 0),
    ("config doctor", "config doctor", 0),
    ("config unset a.b", "config unset", 0),
    ("config reset --yes", "config reset", 0),
    ("config edit", "config edit", 0),
    ("service install --user --dry-run", "service install", 0),
    ("service install --root root", "service install", 0),
    ("service uninstall --root root", "service uninstall", 0),
    ("restart history", "restart history", 0),
    ("backup create", "backup create", 0),
    ("backup list", "backup list", 0),
    ("backup verify", "backup verify", 0),
    ("backup prune --dry-run", "backup prune", 0),
    ("completion bash", "completion", 0),
    ("help ps", "help", 0),
    ("help exit-codes", "help exit-codes", 0),
    ("help json", "help json", 0),
    ("help man man1", "help man", 0),
];

/// Verbs whose documents are kept to their schemas elsewhere, because they need a real kernel, or files.
const ELSEWHERE: [&str; 64] = [
    // `snapshots`.
    "snapshot create",
    "snapshot list",
    "snapshot show",
    "snapshot restore",
    "snapshot rm",
    // `self_update`.
    "self-update",
    "self-update --dry-run",
    "self-update --list",
    "restart plan",
    "backup show",
    "backup restore",
    "dashboard",
    "alert list",
    "alert silence",
    "alert test",
    "alert unsilence",
    "token create",
    "token list",
    "token revoke",
    "dev",
    "replay",
    // `packages` and `updates`.
    "key distrust",
    "key generate",
    "key list",
    "key revoke",
    "key root",
    "key rotate",
    "key trust",
    "module pack",
    "update apply",
    "update gc",
    "update go",
    "update history",
    "update list",
    "update pin",
    "update plan",
    "update plan FILE FILE",
    "update status",
    "update rollback",
    "update unpin",
    "update verify",
    // `policies`.
    "policy check",
    "policy explain",
    "policy test",
    "import",
    "init",
    "secret set",
    "secret list",
    "secret rm",
    "secret rotate",
    "secret unlock",
    "up",
    "run",
    "run (its last line)",
    "doctor",
    "audit",
    "audit --verify",
    "module check",
    "kernel start",
    "kernel restart",
    "kernel status",
    "kernel logs",
    "kernel restore",
    "demo",
];

fn schemas() -> BTreeMap<&'static str, (Shape, jsonschema::Validator)> {
    outputs()
        .into_iter()
        .map(|output| {
            let validator = jsonschema::validator_for(output.schema.as_value()).expect("a right schema");
            (output.verb, (output.shape, validator))
        })
        .collect()
}

fn check(validator: &jsonschema::Validator, value: &Value, line: &str) {
    if let Err(error) = validator.validate(value) {
        panic!("`{line}` prints what its schema forbids: {error} in {value}");
    }
}

fn check_json(ran: &Ran, shape: Shape, validator: &jsonschema::Validator, line: &str) {
    match shape {
        Shape::Document => {
            let document = ran.json();
            assert_eq!(document["ok"], true, "{line}: {document}");
            check(validator, &document["data"], line);
        }
        Shape::Lines => {
            let lines = ran.json_lines();
            assert!(!lines.is_empty(), "{line}");
            lines.iter().for_each(|value| check(validator, value, line));
        }
    }
}

#[test]
fn every_verb_keeps_to_its_schema_and_its_exit_code() {
    let schemas = schemas();
    let alone = LINES_ALONE.iter().map(|line| (line, false));
    for ((line, verb, code), needs_kernel) in LINES.iter().map(|line| (line, true)).chain(alone) {
        let world = World::new();
        let _kernel = needs_kernel.then(|| Played::on(&world.home(), shop));
        match *verb {
            "config get" | "config unset" => drop(world.run("config set a.b 1").expect(0)),
            "service uninstall" => drop(world.run("service install --root root").expect(0)),
            _ => {}
        }
        let ran = edited(&world, &format!("--json {line}")).expect(*code);
        let (shape, validator) = &schemas[verb];
        check_json(&ran, *shape, validator, line);
        assert!(ran.stderr.is_empty(), "{line}: {}", ran.stderr);
    }
}

/// Runs a line with an editor that writes one section.
fn edited(world: &World, line: &str) -> Ran {
    std::fs::write(world.path().join("editor.sh"), "echo 'a: {b: 2}' > \"$1\"\n").expect("it is ours");
    let mut command = world.command(line.split_whitespace());
    command.env("EDITOR", "/bin/sh editor.sh");
    finish(command.spawn().expect("the binary runs"))
}

#[test]
fn every_verb_says_the_same_without_json_with_the_same_exit_code() {
    for (line, _, code) in LINES {
        let world = World::new();
        let _kernel = Played::on(&world.home(), shop);
        let ran = world.run(line).expect(code);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{line}");
        let is_wide =
            |text: &str| text.lines().any(|line| line.chars().count() > 80 && !line.contains("--home"));
        assert!(!is_wide(&ran.stdout), "{line}: {}", ran.stdout);
    }
}

#[test]
fn every_output_with_a_schema_is_tried_somewhere() {
    let tried: BTreeSet<&str> =
        LINES.iter().chain(&LINES_ALONE).map(|(_, verb, _)| *verb).chain(ELSEWHERE).collect();
    let known: BTreeSet<&str> = outputs().into_iter().map(|output| output.verb).collect();
    assert_eq!(tried, known);
}

#[test]
fn a_mistyped_module_gets_the_nearest_one_and_code_4() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    for line in ["status weeb", "start weeb", "why weeb", "module show weeb", "permissions list weeb"] {
        let ran = world.run(&format!("{line} --json")).expect(4);
        assert_eq!(ran.json()["help"], "did you mean `web`?", "{line}");
    }
    assert_eq!(world.run("status zzz --json").expect(4).json()["help"], "ostoja ps");
    assert_eq!(world.run("call wbe hello --json").expect(4).json()["help"], "did you mean `web`?");
}

#[test]
fn calls_end_as_their_errors_say() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    assert_eq!(world.run("call web hello").expect(0).stdout, "Hello!\n");
    world.run("call web secret").expect(5);
    world.run("call web slow").expect(6);
    world.run("call zzz hello").expect(4);
    assert_eq!(
        world.run_with_input(&["call", "web", "hello", "-"], "{\"a\": 1}\n").expect(0).stdout,
        "Hello!\n"
    );
}

#[test]
fn a_module_that_does_not_start_shows_its_last_words() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    let ran = world.run("start worker").expect(1);
    assert!(ran.stderr.contains("worker did not become ready"), "{}", ran.stderr);
    assert!(ran.stderr.contains("ValueError: no port"), "{}", ran.stderr);
    assert!(ran.stderr.contains("help: ostoja why worker"), "{}", ran.stderr);
    let ran = world.run("up -d").expect(3);
    assert!(ran.stderr.contains("worker") && ran.stderr.contains("ValueError: no port"), "{}", ran.stderr);
}

#[test]
fn an_approval_shows_exactly_what_is_new_and_wants_a_yes() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    let ran = world.run("module approve web").expect(2);
    assert!(ran.stderr.contains("web has already:\n  net   a:1"), "{}", ran.stderr);
    assert!(ran.stderr.contains("web asks for:\n  net   b:2\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("add --yes"), "{}", ran.stderr);
    world.run("module approve web -y").expect(0);
    world.run("module uninstall web").expect(2);
    world.run("module uninstall web -y").expect(0);
    world.run("permissions grant web").expect(2);
    let ran = world.run("permissions grant web -y").expect(0);
    assert!(ran.stderr.contains("net   b:2"), "{}", ran.stderr);
    world.run("permissions deny 4f0c").expect(0);
    world.run("permissions grant zzz -y").expect(4);
}

#[test]
fn logs_name_their_speakers_and_their_losses() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    let ran = world.run("logs -f").expect(0);
    let expected =
        "10:30:00.000 web    │ listening\n10:30:00.000 worker │ hello\n10:30:00.000 web    │ more\n";
    assert_eq!(ran.stdout, expected);
    assert!(
        ran.stderr.contains("3 lines were lost") && ran.stderr.contains("2 events were lost"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    let mut child = world.command(["help", "json"]).stdin(Stdio::null()).spawn().expect("the binary runs");
    let stdout = child.stdout.take().expect("it is piped");
    let mut first = String::new();
    BufReader::with_capacity(16, stdout).read_line(&mut first).expect("a line");
    // The reader is gone now, with much still to be written.
    let ran = finish(child).expect(0);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}

#[test]
fn a_kernel_that_does_not_answer_in_time_ends_with_6() {
    let world = World::new();
    std::fs::create_dir_all(world.home().join("run")).expect("it is ours");
    let _silent =
        std::os::unix::net::UnixListener::bind(world.home().join("run/kernel.sock")).expect("a short path");
    let ran = world.run("ps --timeout 50ms --json").expect(6);
    assert_eq!(ran.error_code(), "cli::door::timed_out");
}

#[test]
fn a_kernel_that_talks_nonsense_is_told_from_one_that_refuses() {
    fn nonsense(_: &protocol::operator::Request) -> (protocol::operator::Response, Vec<Value>) {
        (protocol::operator::Response::done(Some(serde_json::json!("what?"))), Vec::new())
    }
    let world = World::new();
    let _kernel = Played::on(&world.home(), nonsense);
    assert_eq!(world.run("ps --json").expect(1).error_code(), "cli::door::garbled");
}

#[test]
fn the_story_is_told_in_both_languages() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    assert!(world.run("why web").expect(0).stdout.contains("What happened"));
    assert!(world.run("why web --lang pl").expect(0).stdout.contains("Co się stało"));
    let mut command = world.command(["why", "web"]);
    command.env("LC_ALL", "pl_PL.UTF-8");
    assert!(finish(command.spawn().expect("the binary runs")).stdout.contains("Co się stało"));
}
