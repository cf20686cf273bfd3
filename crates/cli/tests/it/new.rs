//! `new`: what it writes runs, in every language whose runtime is here, and its own test passes.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::examples::{is_on_path, skip};
use crate::runner::{World, finish_within};

/// 10 min for a compiler that begins with nothing beside other tests: its work is 30 s of one core.
const COMPILE_DEADLINE: Duration = Duration::from_secs(600);

struct Down<'a>(&'a World);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.run("down --timeout 20s");
    }
}

/// A program of the world's language, in the module's folder.
fn inside(world: &World, folder: &str, line: &[&str]) -> crate::runner::Ran {
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).current_dir(world.path().join(folder));
    // The compiler keeps what it has built of its own library in the person's cache.
    command.env("GOPROXY", "off").env("GOFLAGS", "-mod=mod").env("CGO_ENABLED", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Whatever was fetched for Ostoja itself is enough.
    command.env("CARGO_NET_OFFLINE", "true");
    let child = command.spawn().unwrap_or_else(|error| panic!("{line:?}: {error}"));
    finish_within(child, COMPILE_DEADLINE)
}

/// Writes it, starts it, makes the call that `new` names, and gives the answer's text.
fn first_answer(world: &World, lang: &str, template: &str) -> String {
    let sdk = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk");
    let mut words = vec!["--json", "new", "mine", "--lang", lang, "--template", template];
    if lang == "rust" {
        words.extend(["--sdk", sdk.to_str().expect("text")]);
    }
    let told = world.run_words(&words).expect(0).json()["data"].clone();
    crate::kernel::check_schema("new", &told);
    let next: Vec<&str> =
        told["next"].as_array().expect("a list").iter().filter_map(|line| line.as_str()).collect();
    assert_eq!((next[0], next[next.len() - 2]), ("cd mine", "ostoja up -d"), "{next:?}");
    for line in &next[1..next.len() - 2] {
        inside(world, "mine", &line.split(' ').collect::<Vec<_>>()).expect(0);
    }
    let call = next.last().expect("a call").strip_prefix("ostoja call ").expect("a call").to_owned();
    world.run_words(&["up", "-d", "-f", "mine/ostoja.yaml", "--timeout", "50s"]).expect(0);
    let call: Vec<&str> = call.splitn(3, ' ').collect();
    let ran = world.run_words(&["call", call[0], call[1], call[2].trim_matches('\'')]).expect(0);
    ran.stdout.trim().to_owned()
}

#[test]
fn a_module_in_python_answers_and_passes_its_own_test() {
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "python", "service"), "hello Ada");
    inside(&world, "mine", &["python3", "-m", "unittest"]).expect(0);
    world.run("config set mine.greeting hi").expect(0);
    assert_eq!(
        world.run_words(&["call", "mine", "hello", r#"{"name":"Ola"}"#]).expect(0).stdout.trim(),
        "hi Ola"
    );
}

#[test]
fn a_module_for_node_answers_and_passes_its_own_test() {
    if !is_on_path("node") {
        return skip("no `node` on PATH, so what `new --lang node` writes was not run");
    }
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "node", "service"), "hello Ada");
    inside(&world, "mine", &["node", "--test"]).expect(0);
}

#[test]
fn a_module_in_typescript_answers_and_passes_its_own_test() {
    if !is_on_path("deno") && !is_on_path("bun") {
        return skip("neither `deno` nor `bun` on PATH, so what `new --lang typescript` writes was not run");
    }
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "typescript", "service"), "hello Ada");
    let tests = if is_on_path("deno") { &["deno", "test", "-A"][..] } else { &["bun", "test"] };
    inside(&world, "mine", tests).expect(0);
}

#[test]
fn a_module_in_go_answers_and_passes_its_own_test() {
    if !is_on_path("go") {
        return skip("no `go` on PATH, so what `new --lang go` writes was not run");
    }
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "go", "service"), "hello Ada");
    inside(&world, "mine", &["go", "test", "."]).expect(0);
}

#[test]
fn bots_in_go_reply() {
    if !is_on_path("go") {
        return skip("no `go` on PATH, so the bot of `new --lang go` was not run");
    }
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "go", "bot"), "hello, you said: hi");
    inside(&world, "mine", &["go", "vet", "."]).expect(0);
}

#[test]
fn a_module_in_rust_answers_and_every_template_of_it_compiles() {
    if !is_on_path("cargo") {
        return skip("no `cargo` on PATH, so what `new --lang rust` writes was not built");
    }
    let world = World::new();
    let _down = Down(&world);
    let templates = world.path().join("mine/src/bin");
    let sdk = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk");
    for template in ["worker", "bot", "http"] {
        let words =
            ["new", template, "--lang", "rust", "--template", template, "--sdk", sdk.to_str().expect("text")];
        world.run_words(&words).expect(0);
    }
    assert_eq!(first_answer(&world, "rust", "service"), "hello Ada");
    std::fs::create_dir_all(&templates).expect("it is ours");
    for template in ["worker", "bot", "http"] {
        let source = world.path().join(template).join("src/main.rs");
        std::fs::copy(source, templates.join(format!("{template}.rs"))).expect("it is there");
    }
    inside(&world, "mine", &["cargo", "check", "--all-targets"]).expect(0);
}

#[test]
fn a_module_in_shell_answers_and_passes_its_own_test() {
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "shell", "service"), "hello Ada");
    inside(&world, "mine", &["python3", "-m", "unittest"]).expect(0);
}

#[test]
fn a_module_of_webassembly_answers() {
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "wasm", "service"), "6");
    world.run("module check mine").expect(0);
}

#[test]
fn workers_work_and_bots_reply() {
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "python", "worker"), "0");
    world.run_words(&["publish", "mine.jobs", r#"{"text":"a b"}"#]).expect(0);
    let begun = std::time::Instant::now();
    while world.run("call mine count {}").expect(0).stdout.trim() != "1" {
        assert!(begun.elapsed() < crate::runner::DEADLINE, "{}", world.run("why mine").stdout);
    }
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "python", "bot"), "hello, you said: hi");
}

#[test]
fn mcp_servers_are_modules_and_pass_their_own_tests() {
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "python", "mcp"), "hello Ada");
    inside(&world, "mine", &["python3", "-m", "unittest"]).expect(0);
    if !is_on_path("node") {
        return skip("no `node` on PATH, so what `new --lang node --template mcp` writes was not run");
    }
    let world = World::new();
    let _down = Down(&world);
    assert_eq!(first_answer(&world, "node", "mcp"), "hello Ada");
    inside(&world, "mine", &["node", "--test"]).expect(0);
}

#[test]
fn every_template_is_written_as_files_that_ostoja_reads() {
    for (lang, templates) in [
        ("python", &["service", "worker", "bot", "http", "mcp"][..]),
        ("node", &["service", "worker", "bot", "http", "mcp"]),
        ("typescript", &["service", "worker", "bot", "http"]),
        ("go", &["service", "worker", "bot", "http"]),
        ("shell", &["service", "worker"]),
        ("wasm", &["service"]),
    ] {
        for template in templates {
            let world = World::new();
            world.run_words(&["new", "mine", "--lang", lang, "--template", template]).expect(0);
            let plan = world.run("up -f mine/ostoja.yaml --dry-run").expect(0).stdout;
            assert!(plan.contains("mine: would start"), "{lang} {template}: {plan}");
            let checked = world.run("--json module check mine").stdout;
            assert!(checked.contains("mine (mine), 0.1.0"), "{lang} {template}: {checked}");
            for file in ["README.md", "module.json", "main"] {
                let found = std::fs::read_dir(world.path().join("mine")).expect("it is there").flatten();
                let mut texts = found.filter(|entry| entry.file_name().to_string_lossy().starts_with(file));
                let entry = texts.next().unwrap_or_else(|| panic!("{lang} {template}: no {file}"));
                let text = std::fs::read_to_string(entry.path()).expect("text");
                assert!(!text.contains("@NAME@") && !text.contains("@PORT@"), "{lang} {template}: {file}");
            }
        }
    }
}

#[test]
fn what_can_not_be_made_is_refused_with_what_can() {
    let world = World::new();
    world.run("new mine --lang python").expect(0);
    assert_eq!(world.run("--json new mine --lang python").expect(1).error_code(), "cli::new::present");
    world.run("new mine --lang python --folder other").expect(0);
    let ran = world.run("new tool --lang go --template mcp").expect(2);
    assert!(ran.stderr.contains("--lang python --template mcp"), "{}", ran.stderr);
    assert!(world.run("new tool --lang wasm --template bot").expect(2).stderr.contains("--template service"));
    assert!(
        world
            .run_words(&["new", "two words", "--lang", "go"])
            .expect(2)
            .stderr
            .contains("can't be a module's name")
    );
    assert!(world.run("new tool --lang pyhton").expect(2).stderr.contains("python"));
    assert_eq!(world.run("--json new tool --lang rust").expect(1).error_code(), "cli::new::no_sdk");
    assert!(!world.path().join("tool").exists());
    let sdk = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk");
    world.run_words(&["new", "tool", "--lang", "rust", "--sdk", sdk.to_str().expect("text")]).expect(0);
    let cargo = std::fs::read_to_string(world.path().join("tool/Cargo.toml")).expect("it was written");
    assert!(cargo.contains("sdk = { path = \"/"), "{cargo}");
}
